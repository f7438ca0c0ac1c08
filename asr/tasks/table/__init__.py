"""Tables of people's answers to clips: which emotion was displayed, from answers, the actor and the clip's sentence."""
