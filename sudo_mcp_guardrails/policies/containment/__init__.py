"""What contains an agent, a class of agents, or all of them, as data that is there before anything happens.

:mod:`roles` has what a contained role gets, :mod:`scps` what is attached over an organization, :mod:`responders` and
:mod:`responder_trust` who does it, :mod:`properties` what is proved of all that. Nothing here rests on a tag: a session
may bring tags along.
"""
