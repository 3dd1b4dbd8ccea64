"""What each line of a document is: headline, section heading, prose, or a page's furniture.

`kinds` decides; it asks `layout` (what sort of text this is), `paragraphs` (which lines belong
together), `boilerplate` (the words that web pages share) and `dates` (lines that are a date).
Pure: knows neither files nor documents, only characters.
"""

from qa.lines.kinds import Block, Format, Kind, blocks, title_of

__all__ = ["Block", "Format", "Kind", "blocks", "title_of"]
