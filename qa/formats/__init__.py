"""One file format to text and metadata, a module each; the only importers of format libraries.

`markup` (text, Markdown, HTML), `pdf`, `word`; they share `content` (the value they make, limits,
errors) and `encoding` (bytes to characters). `qa.documents` chooses among them.
"""
