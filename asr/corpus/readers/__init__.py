"""One file for each form that a corpus comes in; see detect.py for how the form is found."""
