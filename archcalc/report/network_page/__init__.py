"""The page of a network: one self-contained HTML file with its drawing, its layers and what is known about them.

Each module prepares one section; the templates beside them arrange it, and ``page.js`` sorts, filters and answers
clicks. Without scripts, everything but the answers to clicks is there.
"""
