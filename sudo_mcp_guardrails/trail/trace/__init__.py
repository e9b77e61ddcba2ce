"""The trace: person → grant → session → tool call → API calls → approval, as a tree of what the events show.

:func:`~.gather.gather` finds the events that belong together, :func:`~.tree.trace` makes the tree, and
:func:`~.render.html_page` the HTML timeline. None of them knows which sink the events come from.
"""
