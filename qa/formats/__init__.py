"""One file format to text and metadata, a module each; the only importers of format libraries.

One document a file: `markup` (text, Markdown, HTML), `web_archive`, `pdf`, `word`. Several:
`mail`, `mbox`, `tables` and `objects` (CSV and JSON, whose fields `records` knows), `epub`,
`archive`. They share `content` and `parts` (the values they make, limits, errors), `encoding`
(bytes to characters) and `hypertext` (all the text of HTML). `suffixes` chooses among them.
"""
