"""From qa's values to what the browser shows: HTML, Markdown and plain JSON.

Pure functions, one module for each thing on the page; none knows Gradio. Every character that
comes from a document, a file name or a question passes through `escaped` on its way out.

    welcome     before the first question: what this is, progress, example questions
    transcript  the conversation
    evidence    the passages behind an answer, as cards
    article     one whole article, with its passage marked
    collection  the list of articles, and what uploading did
    conversation  asking, and what to say while it takes its time
    lookup      what the page's script may ask for
    export      the conversation as Markdown
    plain       hits and answers as JSON, for the API
    examples    questions to click, found in the folder itself
    opening     the index, opened in the background (the one module here that keeps state)
    guard       what the server refuses
    ports       which port to listen on
    wording     the words and the escaping that the others share
"""
