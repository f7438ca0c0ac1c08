"""What setup.cfg cannot say: the folder conf/ stands beside asr/ in a checkout, and in asr/ once it is installed."""

from setuptools import find_packages, setup

setup(packages=[*find_packages(include=["asr", "asr.*"]), "asr.conf"], package_dir={"asr.conf": "conf"})
