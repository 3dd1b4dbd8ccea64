/* What needs a hand in the browser: opening articles, copying, choosing, the tabs.
   Python makes all HTML; this file only moves it about, and never makes HTML from text.
   Each function below is called once, when its component is on the page. */
window.qaPage = (() => {
  const chosen = new Set(); // ids of the ticked articles; none means all
  const places = {}; // where the parts of a look go, by their names
  const seen = {}; // the marks of those that are shown
  let covered = 0; // the share of the passages that are searched by their meaning, of 100
  let lookNow = () => {}; // set by `standing`
  let tellOfLost = () => {}; // too
  let listAgain = () => {}; // set by `articles`
  let openArticle = () => {}; // set by `dialog`
  let selectTab = () => {}; // set by `tabs`
  let focusWanted = null; // the card to go to once its evidence is there
  let moved = false; // whether the reader has scrolled since the last question
  const byId = (id) => document.getElementById(id);

  const say = (button, text) => {
    const label = button.textContent;
    button.textContent = text;
    setTimeout(() => (button.textContent = label), 1600);
  };

  const copy = async (button, text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Browsers keep the clipboard from pages without https, except on this machine itself.
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    say(button, "Copied");
  };

  const linkTo = (question) =>
    `${location.origin}${location.pathname}?q=${encodeURIComponent(question)}`;

  const openers = (element) =>
    element.addEventListener("click", (event) => {
      const button = event.target.closest("[data-open]");
      if (button) openArticle(JSON.parse(button.dataset.open));
    });

  const wide = matchMedia("(min-width: 861px)"); // as in style.css: two columns, each scrolls
  const SCROLL_KEYS = ["PageUp", "PageDown", "ArrowUp", "ArrowDown", "Home", "End", " "];
  const scrolls = (event) =>
    event.type !== "keydown" ||
    (SCROLL_KEYS.includes(event.key) && !event.target.closest("input, textarea, button"));
  for (const type of ["wheel", "touchmove", "keydown"])
    document.addEventListener(
      type,
      (event) => {
        const elsewhere = wide.matches && !event.target.closest("#qa-scroll");
        if (scrolls(event) && !elsewhere) moved = true;
      },
      { passive: true },
    );

  // An article may be named in several rows: what is pressed is told by its row too.
  const rowOf = (one) => one.closest("li")?.querySelector("input")?.value ?? "";
  const keyOf = (one) => one.id || one.value || rowOf(one) + JSON.stringify(one.dataset);

  // New HTML in the place of old; what has the focus, what was chosen and what was opened stay so.
  function put(element, html) {
    const active = element.contains(document.activeElement) ? keyOf(document.activeElement) : "";
    const chosenThere = [...element.querySelectorAll("select, [type=date]")];
    const open = element.querySelector("details")?.open;
    element.innerHTML = html;
    for (const { id, value } of chosenThere)
      if (byId(id)) {
        byId(id).value = value;
        if (byId(id).selectedIndex === -1) byId(id).selectedIndex = 0; // not to be had any more
      }
    if (open) element.querySelector("details")?.setAttribute("open", "");
    const all = active ? [...element.querySelectorAll("button, input, select, summary")] : [];
    all.find((one) => keyOf(one) === active)?.focus({ preventScroll: true });
  }

  // An answer that was given when less could be found can be asked again.
  const offerAgain = () => {
    for (const button of document.querySelectorAll("[data-covered]")) {
      const hidden = covered <= Number(button.dataset.covered);
      if (button.hidden !== hidden) button.hidden = hidden;
    }
  };

  // How everything stands, asked for again and again: what has changed is put in its place.
  function standing(element, server) {
    const [line, lost, announcement] = element.querySelectorAll(".standing, [role=status]");
    Object.assign(places, { standing: line, announcement });
    tellOfLost = (words) => (lost.textContent = words);
    let timer;
    let version = 0;
    let looking = false;
    let wanted = false; // another look, as soon as this one is over
    let unanswered = 0;
    const show = (said) => {
      const begun = "welcome" in seen;
      for (const [name, { html, mark }] of Object.entries(said.parts)) {
        if (!places[name]) continue;
        // What is so when the page opens need not be announced.
        if (name !== "announcement" || begun) put(places[name], html);
        seen[name] = mark;
      }
      covered = said.covered;
      offerAgain();
      if (said.version !== version) {
        version = said.version;
        listAgain();
      }
    };
    const look = async () => {
      clearTimeout(timer);
      if (looking || document.hidden) {
        wanted = true;
        return;
      }
      [looking, wanted] = [true, false];
      const said = await server.look({ seen, chosen: chosen.size }).catch(() => null);
      looking = false;
      unanswered = said ? 0 : unanswered + 1;
      if (said) show(JSON.parse(said));
      if (unanswered > 1) {
        line.textContent = "qa does not answer. If it was stopped, start it and reload this page.";
        delete seen.standing;
      }
      timer = setTimeout(look, wanted ? 0 : said ? JSON.parse(said).again : 5000);
    };
    document.addEventListener("visibilitychange", look);
    element.addEventListener("click", (event) => {
      if (event.target.closest("[data-retry]")) server.try_again({}).then(look);
    });
    lookNow = look;
    look();
  }

  const textBox = () => document.querySelector("#qa-question textarea");

  function welcome(element, trigger) {
    places.welcome = element;
    element.addEventListener("click", (event) => {
      const button = event.target.closest("[data-question]");
      if (!button) return;
      trigger("submit", { question: button.dataset.question });
      if (wide.matches) textBox().focus(); // the button goes away; on a phone keys would come up
    });
    const linked = new URLSearchParams(location.search).get("q");
    if (linked && linked.trim()) trigger("submit", { question: linked });
  }

  function showCard() {
    if (!focusWanted) return;
    const { turn, rank } = focusWanted;
    const shown = document.querySelector(`.evidence[data-turn="${turn}"]`);
    if (!shown) return;
    focusWanted = null;
    moved = true;
    selectTab("evidence");
    const card = rank ? byId(`hit-${turn}-${rank}`) : shown.querySelector(".card");
    if (!card) return;
    card.focus({ preventScroll: true });
    const mark = rank && card.querySelector("mark:not(.lead-in)");
    if (mark) mark.scrollIntoView({ block: "center" });
    else card.scrollIntoView({ block: "start" });
  }

  function transcript(element, trigger) {
    let askedAgain = ""; // the turn whose button had the focus, and gets it back
    element.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      const turn = button.closest(".turn");
      const question = turn.dataset.question;
      if ("copy" in button.dataset) copy(button, button.dataset.copy);
      if ("link" in button.dataset) copy(button, linkTo(question));
      if ("again" in button.dataset) {
        trigger("submit", { question, turn: Number(turn.dataset.turn) });
        askedAgain = turn.id;
      }
      if ("evidence" in button.dataset) {
        focusWanted = { turn: button.dataset.evidence, rank: button.dataset.rank };
        if (document.querySelector(`.evidence[data-turn="${focusWanted.turn}"]`)) showCard();
        else trigger("select", { turn: Number(focusWanted.turn) });
      }
    });
    const refocus = () => {
      const button = askedAgain && byId(askedAgain)?.querySelector("[data-again]");
      if (!button) return; // still waiting
      askedAgain = "";
      if (document.activeElement === document.body) button.focus({ preventScroll: true });
    };
    // A new question comes to the top of the view, and again when its answer has made it longer,
    // unless the reader has gone elsewhere meanwhile.
    let count = 0;
    let busy = "";
    new MutationObserver(() => {
      const all = element.querySelectorAll(".turn");
      const last = all[all.length - 1];
      document.body.classList.toggle("qa-conversing", all.length > 0);
      const isNew = all.length !== count || (last?.ariaBusy === "true" && busy !== "true");
      if (isNew) {
        moved = false;
        tellOfLost("");
      }
      if (last && (isNew || last.ariaBusy !== busy) && !moved)
        last.scrollIntoView({ block: "start" });
      [count, busy] = [all.length, last?.ariaBusy];
      refocus();
      offerAgain();
    }).observe(element, { childList: true, subtree: true, attributes: true });
  }

  // The card of the same stretch of the same article: reading may have cut it to what matters.
  const cardLike = ({ document: id, start, end }) =>
    [...document.querySelectorAll(".card")].find(
      ({ dataset }) =>
        dataset.document === id && Number(dataset.start) < end && start < Number(dataset.end),
    );
  const placeOf = ({ dataset }) => ({
    document: dataset.document,
    start: Number(dataset.start),
    end: Number(dataset.end),
  });

  // Where the reader is among the cards: which has the focus, and, when scrolled to, which are in
  // view. Gives a function that goes back there among the cards that came since.
  function readersPlace(element) {
    const cards = [...element.querySelectorAll(".card")];
    const active = document.activeElement;
    const held = cards.find((card) => card.contains(active));
    const heldPlace = held && { ...placeOf(held), at: cards.indexOf(held) };
    const onButton = active.matches("[data-open]");
    const top = Math.max(byId("qa-tabs").getBoundingClientRect().bottom, 0);
    const seen = cards
      .map((card) => ({ card, place: placeOf(card), box: card.getBoundingClientRect() }))
      .filter(({ box }) => box.bottom > top && box.top < innerHeight);
    // What begins in view is kept where it is, before what is only read on from above.
    const rank = ({ card, box }) => (card === held ? 0 : box.top >= top ? 1 : 2);
    seen.sort((one, other) => rank(one) - rank(other));
    const scrolled = element.getBoundingClientRect().top < top;
    const height = element.offsetHeight;
    return () => {
      // Shorter cards would leave no room to scroll to that place.
      if (scrolled) element.style.minHeight = `${height}px`;
      if (held) {
        const same = cardLike(heldPlace) || element.querySelectorAll(".card")[heldPlace.at];
        const target = onButton ? same?.querySelector(".card-foot [data-open]") : same;
        target?.focus({ preventScroll: true });
      }
      const kept = scrolled && seen.find(({ place }) => cardLike(place));
      if (!kept) return;
      const now = cardLike(kept.place).getBoundingClientRect().top;
      const scroller = wide.matches ? byId("qa-side") : window;
      scroller.scrollBy({ top: now - Math.max(kept.box.top, top + 14), behavior: "instant" });
    };
  }

  function evidence(element, props, watch) {
    openers(element);
    const show = () => {
      const before = element.querySelector(".evidence");
      const goBack = readersPlace(element);
      element.innerHTML = props.value;
      element.style.minHeight = "";
      const shown = element.querySelector(".evidence");
      if (!shown) return;
      const read = before?.matches(".reading") && before.dataset.turn === shown.dataset.turn;
      if (focusWanted) {
        selectTab("evidence");
        showCard();
      } else if (read) {
        goBack();
      } else {
        selectTab("evidence");
        if (wide.matches) byId("qa-side").scrollTop = 0;
      }
    };
    watch("value", show);
    show();
  }

  function dialog(element, server) {
    const box = element.querySelector("dialog");
    const close = document.createElement("button");
    close.type = "button";
    close.className = "close";
    close.textContent = "Close";
    close.addEventListener("click", () => box.close());
    const page = document.createElement("div");
    page.className = "article-page";
    page.tabIndex = 0; // so that the arrow keys scroll it
    page.setAttribute("role", "document");
    page.setAttribute("aria-labelledby", "article-title");
    box.append(close, page);
    box.addEventListener("click", (event) => {
      if (event.target === box) box.close();
    });
    let opener; // has the focus again afterwards, or, where it went away, the one in its place
    box.addEventListener("close", () => {
      const lost = document.activeElement === document.body || box.contains(document.activeElement);
      if (!lost || !opener.passage) return;
      const [start, end] = opener.passage;
      const card = cardLike({ document: opener.document, start, end });
      card?.querySelector(".card-foot [data-open]").focus({ preventScroll: true });
    });
    openArticle = async (target) => {
      opener = target;
      page.innerHTML = await server.open_article(target);
      box.showModal();
      page.focus();
      const place = page.querySelector(".found mark:not(.lead-in)") || page.querySelector(".found, mark");
      if (place) place.scrollIntoView({ block: "center" });
      else page.scrollTop = 0;
    };
  }

  function tabs(element) {
    const buttons = [...element.querySelectorAll("[role=tab]")];
    const panels = buttons.map((button) => byId(button.getAttribute("aria-controls")));
    panels.forEach((panel, i) => {
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", buttons[i].id);
    });
    const select = (wanted) =>
      buttons.forEach((button, i) => {
        const selected = button === wanted;
        button.setAttribute("aria-selected", String(selected));
        button.tabIndex = selected ? 0 : -1;
        panels[i].classList.toggle("qa-hidden", !selected);
      });
    selectTab = (name) => select(byId(`tab-${name}`));
    element.addEventListener("click", (event) => {
      const button = event.target.closest("[role=tab]");
      if (button) select(button);
    });
    element.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const at = buttons.indexOf(event.target);
      if (!step || at < 0) return;
      const next = buttons[(at + step + buttons.length) % buttons.length];
      select(next);
      next.focus();
    });
    select(buttons.find((button) => button.getAttribute("aria-selected") === "true"));
  }

  let chooseAll = () => {}; // set by `articles`
  function articles(element, trigger, server) {
    openers(element);
    const [choices, listed, rows, failures] = ["choices", "listed", "rows", "failures"].map(
      (name) => element.querySelector(`.${name}`),
    );
    Object.assign(places, { choices, failures });
    const tick = () =>
      rows.querySelectorAll("[type=checkbox]").forEach((box) => {
        box.checked = chosen.has(box.value);
      });
    const changed = () => {
      trigger("select", { documents: [...chosen] });
      lookNow();
    };
    const choose = (ids) => {
      chosen.clear();
      for (const id of ids) chosen.add(id);
      tellOfLost("");
      tick();
      changed();
    };
    const wanted = () => ({
      words: byId("article-filter").value,
      order: byId("article-order")?.value,
      source: byId("article-source")?.value,
      after: byId("article-after")?.value,
      before: byId("article-before")?.value,
    });
    // Where the row that has the focus is, it stays, else the first that one sees, whatever comes
    // above or goes.
    const keepingPlace = (change) => {
      const top = Math.max(byId("qa-tabs").getBoundingClientRect().bottom, 0);
      if (rows.getBoundingClientRect().top >= top) return change();
      const holds = (li) => li.contains(document.activeElement);
      const boxOf = (li) => li.querySelector("[type=checkbox]")?.value;
      const seenRows = [...rows.children]
        .map((li) => ({ id: boxOf(li), y: li.getBoundingClientRect().top, held: holds(li) }))
        .filter(({ id, y }) => id && y > top - 40 && y < innerHeight)
        .sort((one, other) => other.held - one.held);
      change();
      const now = new Map([...rows.children].map((li) => [boxOf(li), li]));
      const kept = seenRows.find(({ id }) => now.has(id));
      if (!kept) return;
      const by = now.get(kept.id).getBoundingClientRect().top - kept.y;
      const scroller = wide.matches ? byId("qa-side") : window;
      if (by) scroller.scrollBy({ top: by, behavior: "instant" });
    };
    let first = []; // ticked ones that are listed first: those of the last filter by hand
    let shown = {};
    const list = async () => {
      const asked = wanted();
      const said = JSON.parse(await server.find_articles({ ...asked, first }));
      if (JSON.stringify(asked) !== JSON.stringify(wanted())) return; // typed on meanwhile
      if (said.listed !== shown.listed) put(listed, said.listed);
      if (said.rows !== shown.rows) keepingPlace(() => put(rows, said.rows));
      shown = said;
      tick();
    };
    const listByHand = () => {
      first = [...chosen].slice(0, 200);
      return list();
    };
    listAgain = async () => {
      list();
      if (!chosen.size) return;
      const said = JSON.parse(await server.still_there({ documents: [...chosen] }));
      if (!said.gone.length) return;
      for (const id of said.gone) chosen.delete(id);
      tellOfLost(said.note);
      changed();
    };
    let typed;
    element.addEventListener("change", (event) => {
      const box = event.target.closest("[type=checkbox]");
      if (!box) {
        if (event.target.closest(".choices")) listByHand();
        return;
      }
      if (box.checked) chosen.add(box.value);
      else chosen.delete(box.value);
      tellOfLost("");
      changed();
    });
    element.addEventListener("click", async (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      if ("forget" in button.dataset) {
        chosen.delete(button.dataset.forget);
        trigger("delete", { document: button.dataset.forget });
      }
      if ("only" in button.dataset) choose(JSON.parse(await server.listed_ids(wanted())));
      if ("unfilter" in button.dataset) {
        for (const name of ["filter", "source", "after", "before"])
          if (byId(`article-${name}`)) byId(`article-${name}`).value = "";
        byId("article-filter").focus();
        listByHand();
      }
    });
    element.addEventListener("input", (event) => {
      if (event.target.id !== "article-filter") return;
      clearTimeout(typed);
      typed = setTimeout(listByHand, 150);
    });
    chooseAll = () => choose([]);
  }

  function scope(element) {
    places.scope = element;
    element.addEventListener("click", (event) => {
      if (event.target.closest("[data-all]")) chooseAll();
      if (event.target.closest("[data-choose]")) {
        selectTab("articles");
        byId("article-filter").focus();
      }
    });
  }

  function report(watch) {
    watch("value", () => lookNow());
  }

  function cleared() {
    selectTab("articles");
    textBox().focus();
  }

  function download(text) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/markdown;charset=utf-8" }));
    link.download = "questions-and-answers.md";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  return {
    welcome, transcript, evidence, dialog, tabs, standing, articles, scope, report, cleared, download,
  };
})();
