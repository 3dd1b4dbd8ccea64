"""Is this line furniture of a web page? Word patterns that sites everywhere share.

Knows single lines and nothing of where they stand: `qa.lines` weighs that. Every pattern must
match the *whole* line, so that a sentence which merely mentions sharing, comments or cookies is
not caught. English, with German, French, Spanish, Italian, Dutch and Portuguese where cheap.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from qa.lines import dates
from qa.lines.dates import EDGES, plain

LONGEST = 600
"""Characters; a longer line is a paragraph, whatever it says."""

_NETWORK = (
    "facebook twitter x.com linkedin whatsapp pinterest reddit telegram tumblr instagram youtube "
    "flipboard messenger google+ google plus vkontakte digg stumbleupon xing bluesky mastodon "
    "threads pocket email e-mail mail print sms rss tweet tweeten pin share shares teilen partager "
    "imprimer compartir imprimir condividi stampa delen drucken bookmark copy link url save gift "
    "facebook's"
)
_GLUE = (
    "on via by this article story page post with and & or to it in a an the more like all sur en "
    "auf per op via a su friend options tools url us me your buttons widget click share: now open "
    "new window opens | / · • , - – — : ( ) + ..."
)
_BUTTONS = frozenset(_NETWORK.split())
_BUTTON_LINE = _BUTTONS | frozenset(_GLUE.split())
_COUNT = re.compile(r"[\d.,]+[km]?\+?|\(\d+\)")

_SITE = (
    r"(?:twitter|facebook|instagram|youtube|linkedin|telegram|whatsapp|google|pinterest|x|mastodon|"
    r"bluesky|threads|tiktok|snapchat|flipboard|apple news|social media)\b"
)
_LETTER = (
    r"(?:newsletters?|inbox|"
    r"(?:daily|morning|evening|weekly|e-?mail) (?:briefing|bulletin|update)s?)"
)
_POST = r"(?:e-?mails?|alerts?|briefings?|bulletins?|(?:news )?updates|headlines)"
_AGENCY = (
    r"(?:afp|reuters|ap|epa|dpa|tass|efe|ansa|upi|pa|xinhua|getty images?|getty|associated press|"
    r"the associated press|agence france-presse|press association|bloomberg|shutterstock|istock|"
    r"alamy|ria novosti|sputnik|anadolu|bbc|cnn|file photo|file|photo|staff|agencies|"
    r"thinkstock|picture alliance|imago|rex features)"
)

# Nobody writes these lines except a page's template.
_CERTAIN = (
    # advertisements
    (
        r"[-–—*\[( ]*(?:advertisements?|advertisment|advertorial|sponsored(?: content| links?)?|"
        r"paid (?:content|post)|promoted|anzeige|werbung|publicité|publicidad|pubblicità|"
        r"advertentie|"
        r"publicidade|reklama)[-–—*\]) ]*"
    ),
    r"(?:story|article|text) continues (?:below|after)(?: (?:the |this )?(?:advertisement|ad))?",
    r"(?:continue reading|continues below)(?: (?:the )?(?:main )?(?:story|article|below))?",
    r"scroll (?:down )?(?:for more|to continue|to keep reading).{0,40}",
    r"(?:skip|report this) (?:ad|advertisement)",
    # forms for comments
    r"please enter (?:your|an?|the) (?:(?:\w+ )?(?:comment|name|e-?mail(?: address)?)|"
    r"website)\b.{0,20}",
    r"(?:leave|post|add|write) (?:a |your )?(?:comment|reply)(?: here| below)?|cancel reply",
    (
        r"(?:be the first to|log ?in to(?: leave a)?|sign in to|you must be logged in to) "
        r"(?:post a )?"
        r"(?:comment|reply)"
    ),
    (
        r"(?:view|show|see|load|read|hide|join the|jump to|all|no|view all|read all|see all|show "
        r"all) "
        r"\d*\s*comments?(?: yet)?(?: \(\d+\))?|comments? (?:are|is) (?:closed|disabled|off)"
    ),
    r"(?:start|join) the (?:conversation|discussion)|have your say",
    r"your e-?mail address will not be (?:published|shared).*|required fields are marked.*",
    r"save my name, e-?mail.*|you have entered an incorrect e-?mail.*|notify me of (?:new|"
    r"follow).*",
    r"this site uses akismet.*|(?:laisser|poster) un commentaire|schreiben? sie einen kommentar",
    r"(?:einen )?kommentar (?:schreiben|hinterlassen)|deja un comentario|lascia un commento",
    # sharing and following
    (
        r"(?:click to )?(?:share|tweet|partager|teilen|compartir|condividi)(?: (?:this|on|via|"
        r"with|sur|en|"
        r"auf|su)\b.{0,40})?"
    ),
    (
        r"[\d.,]+[km]? (?:shares?|likes?|views?|comments?|retweets?|followers|reads?|kommentare|"
        r"commentaires|comentarios|partages)"
    ),
    (
        rf"(?:follow|like|find|join|visit|connect with|folgen sie|suivez(?:-nous)?|síguenos|"
        rf"seguici)\b"
        rf".{{0,40}}\b(?:on|auf|sur|en|su) {_SITE}.{{0,60}}"
    ),
    r"follow (?:us|@\w+)(?: (?:and|on) .{0,40})?|@\w{2,20}",
    # newsletters and subscriptions
    (
        rf"(?:sign[ -]?up|subscribe|register|get|join|receive|abonnieren sie|inscrivez-vous|"
        rf"abonnez-vous|"
        rf"recevez|suscríbe\w*|iscriviti)\b.{{0,80}}\b{_LETTER}.{{0,80}}"
    ),
    r"(?:subscribe|subscribe now|subscribe today|already a subscriber\?.*|support our journalism)",
    r"(?:our|the|free|daily|weekly|e-?mail) newsletters?|newsletter(?: sign[ -]?up| abonnieren)?",
    r"(?:enter )?your e-?mail(?: address)?|(?:thank you|thanks) for (?:subscribing|signing up).*",
    r"by (?:signing up|subscribing|registering|providing your e-?mail).{0,200}",
    # cookies and consent
    (
        r"(?:we|we and our partners|this (?:web)?site|our (?:web)?site|this page|"
        r"[\w.]+\.\w{2,4})(?: and our "
        r"partners)? (?:also )?uses? (?:\w+ ){0,3}cookies.*(?:experience|consent|agree|accept|site|"
        r"browser|privacy|polic|preferences|traffic|ads|content|services).*"
    ),
    (
        r"(?:by|in) (?:continuing|using|clicking|browsing|accessing|"
        r"closing)\b.{0,120}\b(?:cookies?|terms|"
        r"privacy)\b.*"
    ),
    r"(?:accept|reject|manage|allow)(?: all)? cookies|cookie[s ](?:policy|settings|preferences|"
    r"notice)",
    r"(?:wir (?:verwenden|nutzen|benutzen)|diese (?:web)?seite (?:verwendet|nutzt)) cookies.*",
    (
        r"(?:nous utilisons|ce site utilise) des cookies.*|utilizamos cookies.*|este sitio "
        r"(?:web )?"
        r"utiliza cookies.*|questo sito utilizza (?:i )?cookie.*|deze (?:web)?site gebruikt "
        r"cookies.*"
    ),
    r"(?:please )?(?:enable|turn on) (?:javascript|cookies)\b.{0,80}|javascript (?:is|must "
    r"be)\b.{0,80}",
    # more to read
    r"(?:read|see|watch|view|learn|find out|discover) more(?: here| ?[»›>→…]+| ?\.\.\.)?",
    r"(?:read|see|watch|hear|listen|learn) (?:more|also|next|now) ?[:|–—»] ?.{0,200}",
    r"(?:read more (?:about|on|at|from)|click here (?:to|for)) .{0,80}[^.\s]",
    r"(?:also|must|further) read(?:ing)?(?: ?[:|–—-].{0,200})?",
    (
        r"related(?: ?[:|–—] ?.{1,200}| (?:articles?|stor(?:y|ies)|posts?|content|coverage|news|"
        r"links?|"
        r"topics?|reading|items?|video|tags))(?: ?: ?.{0,200})?"
    ),
    (
        r"(?:you (?:may|might) (?:also )?(?:like|be interested in|enjoy)|recommended (?:for you|"
        r"stories|"
        r"reading|articles|videos)|trending(?: now| stories)?|top stories|up next|editors?['’]s? "
        r"(?:picks?|"
        r"choice)|latest (?:news|stories|headlines|updates)|more (?:stories|news|headlines|"
        r"coverage)|"
        r"in this (?:story|article)|story highlights|key (?:points|takeaways)|from around the web|"
        r"most (?:read|popular|viewed|shared|commented|recent)(?: (?:stories|articles|posts|in "
        r"\w+))?|"
        r"more (?:on|about) this (?:story|topic|subject)|what to read next|promoted stories)"
    ),
    (
        r"(?:lire aussi|à lire aussi|lire également|lesen sie (?:auch|mehr|hier)|mehr zum thema|"
        r"lea "
        r"también|lee también|leggi anche|lees ook|leia (?:mais|também)|siehe auch|voir aussi|"
        r"ver también|"
        r"auch interessant|das könnte sie auch interessieren)(?: ?[:|–—»].{0,200})?"
    ),
    # rights, credits, how it was made
    r"(?:©|\(c\)|copyright (?:©|\(c\)|\d{4})).{0,180}|.{0,80}\ball rights reserved\b.{0,100}",
    r".{0,60}(?:alle rechte vorbehalten|tous droits réservés|todos los derechos reservados).{0,60}",
    r"this material may not be (?:published|reproduced).*",
    rf"\({_AGENCY}(?: photo)?(?:/.{{1,60}})?\)",
    r"(?:image|photo|picture|media|video) (?:copyright|credit|caption|source|courtesy)\b[:, "
    r"].{0,300}",
    r"media playback is (?:un|not )supported.*|(?:image|photo) (?:credit|source|copyright):?",
    r"\(?(?:additional |with )?(?:reporting|writing|editing|compiled|translated) by "
    r"[^.]{3,200}\.?\)?",
    r"(?:to contact the|contact the) (?:reporter|editor|writer|author)s?\b.{0,200}",
    r"our standards: the thomson reuters trust principles.*",
    r"a version of this (?:article|review|op-ed) appears in print\b.*",
    # finding one's way about a site
    r"skip to (?:the )?(?:main )?(?:content|navigation|footer|article).{0,30}|(?:back )?to "
    r"(?:the )?top",
    r"toggle (?:navigation|menu|search)|(?:open|close|main) (?:menu|navigation|search)",
    r"(?:previous|next) (?:article|post|story|page)s?(?: ?[:»›→].*)?",
    (
        r"privacy (?:policy|notice)|terms (?:of (?:use|service)|(?:and|&) conditions)|about us|"
        r"contact us|"
        r"advertise with us|my account|site ?map|log ?in / register|sign in / register"
    ),
    r"(?:reuse|print|share|save|report) this (?:content|page|article)|(?:proudly )?powered by "
    r"\w+.{0,30}",
    r"(?:\d+|one|no) (?:thoughts?|responses?|replies) (?:on|to) .{1,160}|like this:?|like "
    r"loading.{0,5}",
    r"posted in .{1,80}\| ?tagged.{0,120}|slideshow ?\(.{1,20}\)|from the section .{2,40}",
    r"temps de lecture.{0,20}|lesezeit.{0,20}|(?:\d+|\w+) ?-?min(?:ute)?s? read|reading time:? "
    r".{1,20}|loading ?(?:\.\.\.|…)?",
)

# These words stand alone on many pages, but a list or a note may hold them too.
_LIKELY = (
    r"(?:photo|photograph|picture|image|foto|fotos|bild|credit|crédit)s?(?: by)?: ?[^.]{2,80}\.?",
    r"(?:photo|photograph|picture|image|foto)s? (?:by|von|par|de) "
    r"\w[\w.'’-]*(?:[ /]\w[\w.'’-]*){0,4}",
    r"(?:home|news|startseite|accueil|inicio)(?: [>»›|/] [^>»›|/.]{2,60})+",
    r"(?:filed under|tagged with)\b ?:? ?.{1,120}[^.]|(?:posted|published) in ?: ?.{1,120}[^.]",
    rf"(?:sign[ -]?up|subscribe|register|get|join|receive)\b.{{0,80}}\b{_POST}.{{0,80}}",
    r"comments?(?: ?\(?\d+\)?)?|kommentare?(?: ?\(?\d+\)?)?|commentaires?|comentarios|reply|"
    r"replies",
    (
        r"menu|search|home|close|log ?in|log ?out|sign in|sign up|register|subscribe|follow|"
        r"contact|about|"
        r"suche|rechercher|buscar|cerca|anmelden|connexion|previous|next|more|show more|load "
        r"more|expand"
    ),
    (
        r"(?:photos?|videos?|gallery|galerie|bilder|in pictures|watch|listen|video|audio|podcast|"
        r"live)"
        r"(?: ?: ?.{1,160}[^.!?])?"
    ),
    r"(?:tags?|topics?|categor(?:y|ies)|keywords|themen|mots-clés)(?: ?: ?.{0,160})?",
    r"(?:source|via|quelle) ?: ?[^.]{1,60}|analysis|opinion|exclusive|breaking(?: news)?|live "
    r"updates?",
    (
        r"more (?:on|from|about|in) .{2,60}[^.]|don['’]t miss.{0,80}[^.]|recommended|related|"
        r"trending|"
        r"see also|read also|popular"
    ),
    rf"[(\[]?{_AGENCY}(?:(?: ?[,/|&–-] ?| and | via |\s){_AGENCY})*[)\]]?\.?",
    r"(?:page |seite |- ?)?[\d,.]{1,9}(?: ?(?:of|/|von|sur|de) ?\d{1,4})?(?: ?-)?",
    r"(?:name|e-?mail(?: address)?|website|url|comment|message|phone) ?\*?",
    rf"(?:[a-z]{{2,4}}/)+{_AGENCY}(?:/{_AGENCY})*|(?:analysis|report) (?:by|from) [^.]{{3,80}}",
    r"\(?(?:https?://|www\.)\S+(?:\s+\(?(?:https?://|www\.)\S+)*",
    r"(?:source|link|url|web|website|original|permalink) ?: ?(?:https?://|www\.)\S+",
)

_OPENERS = re.compile(
    r"(?:(?:related )?(?:topics?|tags)|related|more (?:on|from|about|in|stories|news|headlines|"
    r"coverage)|most (?:read|popular|viewed|"
    r"shared|commented|recent)|recommended|trending|top stories|latest|you (?:may|might)|what to "
    r"read|"
    r"editor|read (?:more|also|next)|see also|also read|further read|also on|from around|promoted|"
    r"lire aussi|à lire|lesen sie|mehr zum|lea |lee |leggi|lees ook|leia |siehe auch|up next|"
    r"popular|"
    r"story highlights|key (?:points|takeaways)|auch interessant|das könnte|voir aussi|ver "
    r"también)\b"
    r".{0,60}"
)

_SECTIONS = re.compile(
    r"(?:world|news|politics?|business|economy|sports?|football|opinion|comment|culture|arts|"
    r"entertainment|lifestyle|life|travel|tech(?:nology)?|science|health|environment|education|"
    r"europe|asia|africa|americas?|middle east|us|u\.s\.|uk|us & canada|latin america|australia|"
    r"international|national|local|features?|analysis|markets?|finance|money|video|politik|ausland|"
    r"inland|wirtschaft|kultur|panorama|wissen|monde|économie|société|planète|idées|mundo|economía|"
    r"deportes|mondo|cronaca|[\w.]{2,20} news|world news|news analysis|the [a-z]+ (?:times|post)|"
    r"bbc|cnn|reuters|al jazeera|the guardian|le monde|spiegel(?: online)?|der spiegel)",
)

_NAME = r"(?:[A-ZÀ-Þ][\w.'’-]*|de|da|di|del|der|den|van|von|la|le|al|el|bin|ibn|ben|dos|zu)"
_AND = r"(?:\s+|,\s*|\s*[|/]\s*|\s+[&–—·-]\s+)(?:(?:and|und|et|y|e|en|in|for|of|at|with)\s+)?"
_BYLINE = re.compile(
    rf"(?:By|BY|by|Von|VON|Par|PAR|Por|POR|Di|Door|Text|Words|Author|Autor|Auteur)(?::\s*|\s+)"
    rf"{_NAME}(?:{_AND}{_NAME}){{1,9}}(?:[ ,|·•–—-]+.{{0,60}}\d.{{0,40}}|,? [A-Z][\w "
    rf"]{{2,40}}|"
    r" \([^)]{1,60}\))?"
)

_CERTAIN_LINE = re.compile("|".join(f"(?:{pattern})" for pattern in _CERTAIN))
_LIKELY_LINE = re.compile("|".join(f"(?:{pattern})" for pattern in _LIKELY))


def furniture(line: str) -> Literal["certain", "likely", ""]:
    """Say whether a line is known furniture of web pages.

    Parameters
    ----------
    line : str
        One line or one paragraph.

    Returns
    -------
    {"certain", "likely", ""}
        "certain": only a page's template says this. "likely": furniture in an article, but
        perhaps content in a list or a note. "": not known as furniture.
    """
    return _furniture(line) if len(line) <= LONGEST else ""


@lru_cache(maxsize=8192)  # several stages ask about the same line
def _furniture(line: str) -> Literal["certain", "likely", ""]:
    text = plain(line)
    bare = text.rstrip(" .!:»›>→…")
    if _matches(_CERTAIN_LINE, text, bare) or dates.is_stamp(text):
        return "certain"
    if _only_buttons(bare):
        return "certain" if " " in bare else "likely"
    return "likely" if _matches(_LIKELY_LINE, text, bare) else ""


def _matches(pattern: re.Pattern[str], text: str, bare: str) -> bool:
    return bool(pattern.fullmatch(text) or (bare and pattern.fullmatch(bare)))


def _only_buttons(text: str) -> bool:
    """Say whether every word labels a button or counts its uses: "Share 12 Tweet 5 E-mail"."""
    words = re.sub(r"[,|/·•()]", " ", text).split()
    named = sum(word in _BUTTONS for word in words)
    if not named or not all(word in _BUTTON_LINE or _COUNT.fullmatch(word) for word in words):
        return False
    return named >= len(words) / 3


def opens_links(line: str) -> bool:
    """Say whether a line announces links to other stories: "Related stories", "Most read"."""
    return _OPENERS.fullmatch(plain(line).rstrip(" :")) is not None


def names_section(line: str) -> bool:
    """Say whether a line is merely the name of a part of a news site: "World", "Sport"."""
    return _SECTIONS.fullmatch(plain(line)) is not None


def in_menu(line: str) -> bool:
    """Say whether a line is one of those that a site's menu begins with: "Home", "Menu"."""
    return plain(line) in ("home", "menu", "about", "contact", "startseite", "accueil", "inicio")


def byline(line: str) -> bool:
    """Say whether a line names its author and nothing else: "By Jane Doe"."""
    return len(line) <= 160 and _BYLINE.fullmatch(line.strip(EDGES)) is not None
