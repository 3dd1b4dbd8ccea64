"""The browser's page: what it shows, made from qa's values as HTML and Markdown, and its wiring.

Pure functions, one module for each thing on the page; only `blocks` knows Gradio. Every character
that comes from a document, a file name or a question passes through `escaped` on its way out.

    blocks      the components, and what happens between them
    welcome     before the first question: what this is, progress, example questions
    turn        one question, and how far its answer has come
    transcript  the conversation
    evidence    the passages behind an answer, as cards
    article     one whole article, with its passage marked
    collection  the list of articles, and what uploading did
    shelf       which articles are listed, and in what order
    standing    how far the work in the background is
    conversation  asking, and what to say while it takes its time
    lookup      what the page's script may ask for; how everything stands is among it
    export      the conversation as Markdown
    examples    questions to click, found in the folder itself
    opening     the index, opened in the background, and following its folder from then on (the
                one module here that keeps state)
    guard       what the server refuses
    ports       which port to listen on
    wording     the words, the marking and the escaping that the others share
"""
