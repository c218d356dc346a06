// The page's side of a surface: it shows the newest HTML, touches only what changed, and says what a person did.
//
// The shared model (surface.py `Shared`) carries this file and the stylesheet once to each page.

const PAGE = Symbol.for("hfft_widgets.surface.1");
const page = (globalThis[PAGE] ??= { stores: new Map(), served: new WeakMap(), later: [] });
const LOST = "The kernel was restarted or has ended: run the cell again to go on. Nothing that was started is lost.";
const BUSY = "The kernel is busy: this is done as soon as it is free.";
const PATIENCE = 1500; // milliseconds until an unanswered click is explained

export async function render({ model, el }) {
  const root = document.createElement("div");
  root.className = "hfft-root hfft-vars";
  root.dataset.surface = model.get("_uid");
  el.append(root);
  const store = await storeOf(model);
  const view = { root, model, store, mounted: new Map(), draw: () => draw(view) };
  store.views.add(view);
  listen(view);
  draw(view);
  hideCopies();
  const ticking = setInterval(() => tick(root), 1000);
  const asking = model.get("_asks") ? setInterval(() => model.send({ ask: "news" }), model.get("_asks")) : 0;
  const watching = watchKernel(view);
  return () => {
    clearInterval(ticking);
    clearInterval(asking);
    watching();
    store.views.delete(view);
    for (const slot of view.mounted.keys()) unmount(view.mounted, slot);
    hideCopies();
  };
}

// ---- the newest HTML --------------------------------------------------------------------------------------------------

// One store per model: a view that opens later shows what came meanwhile. What comes is taken in turn, one by one.
async function storeOf(model) {
  const uid = model.get("_uid");
  let store = page.stores.get(uid);
  if (!store || store.model !== model) {
    store = { model, revision: -1, parts: [], views: new Set(), waiting: null, turn: Promise.resolve() };
    page.stores.set(uid, store);
    const { revision, html } = model.get("_page") ?? { revision: -1, html: "" };
    take(store, async () => replace(store, { revision, html: await unpacked(html) }));
    model.on("change:_patch", () => follow(store));
    model.on("msg:custom", (message) => message.page && take(store, () => replace(store, message.page)));
    model.on("change:_notice", () => notice(model.get("_notice")));
    model.on("destroy", () => page.stores.delete(uid));
    follow(store);
  }
  await store.turn;
  return store;
}

// What happened while the tab was hidden stands in its title until it is looked at again. A notification of the system
// comes only where the person has allowed that to this page before: nobody is asked.
function notice(words) {
  if (!words || !document.hidden) return;
  const before = (page.title ??= document.title);
  document.title = `\u25CF ${words} \u00B7 ${before}`;
  document.addEventListener("visibilitychange", unnoticed);
  if (globalThis.Notification?.permission === "granted") new Notification(words, { tag: "hfft" });
}

function unnoticed() {
  if (document.hidden) return;
  if (document.title.startsWith("\u25CF ")) document.title = page.title;
  page.title = undefined;
  document.removeEventListener("visibilitychange", unnoticed);
}

function take(store, step) {
  store.turn = store.turn.then(step).catch((error) => console.error(error));
}

function follow(store) {
  const { revision, changes } = store.model.get("_patch") ?? {};
  if (revision !== undefined) take(store, () => apply(store, revision, changes));
}

async function apply(store, revision, packed) {
  if (revision <= store.revision) return;
  if (revision !== store.revision + 1) return store.model.send({ ask: "page" });
  for (const [start, count, text] of await unpacked(packed)) {
    store.parts.splice(start, count, ...(text === null ? [] : text.split("<")));
  }
  drawn(store, revision);
}

// Large values travel as JSON in zlib's form (surface.py `packed`).
function unpacked(value) {
  if (!(value instanceof DataView)) return value;
  return new Response(new Blob([value]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
}

function replace(store, { revision, html }) {
  store.parts = html.split("<");
  drawn(store, revision);
}

function drawn(store, revision) {
  store.revision = revision;
  clearTimeout(store.waiting);
  for (const view of store.views) view.draw();
}

function draw(view) {
  const { root, model, store, mounted } = view;
  const wanted = document.createElement("template");
  wanted.innerHTML = store.parts.join("<");
  const refocus = keepFocus(root);
  morph(root, wanted.content);
  for (const slot of mounted.keys()) if (!root.contains(slot)) unmount(mounted, slot);
  refocus();
  followStep(view);
  for (const set of page.later.splice(0)) set(); // a list's value, once its options stand
  for (const slot of root.querySelectorAll("[data-widget]:not([data-mounted])")) mount(root, model, mounted, slot);
  tick(root);
}

// A step that was opened begins in sight: those above it have become lines.
function followStep(view) {
  const step = view.root.querySelector('[aria-current="step"]');
  const before = view.step;
  view.step = step?.dataset.key;
  if (before && view.step !== before) step?.querySelector(".head").scrollIntoView({ block: "nearest" });
}

// Where what had the focus is gone, the focus goes to what stands in its place, never to the page's top.
function keepFocus(root) {
  const held = document.activeElement;
  if (!root.contains(held)) return () => {};
  const around = [];
  for (let node = held.parentElement; node !== root; node = node.parentElement) around.push(node);
  return () => {
    if (root.contains(held)) return;
    const next = around.filter((node) => root.contains(node)).map((node) => node.querySelector(REACHED)).find(Boolean);
    next?.focus({ preventScroll: true });
  };
}
const REACHED = "button, input, select, textarea, summary, a[href], [tabindex]";

// A widget inside the page; not on the page for a while (a tab in the background) is not gone.
async function mount(root, model, mounted, slot) {
  slot.dataset.mounted = "";
  const child = await model.widget_manager.get_model(slot.dataset.widget);
  const view = await model.widget_manager.create_view(child, {});
  if (!root.contains(slot)) return view.remove();
  mounted.set(slot, view);
  slot.replaceChildren(view.el);
  view.trigger?.("displayed");
  view.luminoWidget?.processMessage?.({ type: "after-attach" });
}

function unmount(mounted, slot) {
  const view = mounted.get(slot);
  // its element is off the page already
  for (const type of ["before-detach", "after-detach"]) view.luminoWidget?.processMessage?.({ type });
  view.remove();
  mounted.delete(slot);
}

// The plain copies of a panel are for where it is not alive: they are hidden while it is on the page.
function hideCopies() {
  if (!page.hidden) document.head.append((page.hidden = document.createElement("style")));
  const copies = [...page.stores].filter(([, { views }]) => views.size).map(([uid]) => `[data-saved="${uid}"]`);
  const rule = `${copies}, .jp-OutputArea-child:has(${copies}) { display: none !important; }`;
  page.hidden.textContent = copies.length ? rule : "";
}

// ---- morphing: the old tree becomes the wanted one, and keeps focus, selection, scroll, open folds and typed text --------

function morph(old, wanted) {
  const [had, next] = [[...old.childNodes], [...wanted.childNodes]];
  const kept = pairs(had.map(signature), next.map(signature));
  const stay = new Set([...kept.values()].map((place) => had[place]));
  for (const node of had) if (!stay.has(node)) node.remove();
  let at = old.firstChild;
  next.forEach((node, place) => {
    const same = had[kept.get(place)];
    if (!same) adopt(old.insertBefore(node, at));
    else {
      at = same.nextSibling;
      settle(same, node);
    }
  });
}

const signature = (node) => (node.dataset?.key ? `key ${node.dataset.key}` : `${node.nodeName} ${node.classList ?? ""}`);

// Which of the wanted nodes are which of those there: the longest common run of both, as wanted place -> old place.
function pairs(had, next) {
  const found = new Map();
  let start = 0;
  while (start < had.length && start < next.length && had[start] === next[start]) found.set(start, start++);
  const rest = had.slice(start).map(() => new Uint16Array(next.length - start + 1));
  rest.push(new Uint16Array(next.length - start + 1));
  for (let i = rest.length - 2; i >= 0; i--)
    for (let j = next.length - start - 1; j >= 0; j--)
      rest[i][j] = had[start + i] === next[start + j] ? rest[i + 1][j + 1] + 1 : Math.max(rest[i + 1][j], rest[i][j + 1]);
  for (let i = 0, j = 0; i < rest.length - 1 && j < next.length - start; ) {
    if (had[start + i] === next[start + j]) found.set(start + j++, start + i++);
    else if (rest[i + 1][j] >= rest[i][j + 1]) i++;
    else j++;
  }
  return found;
}

function settle(node, next) {
  if (node.nodeType !== Node.ELEMENT_NODE) {
    if (node.data !== next.data) node.data = next.data;
    return;
  }
  settleAttributes(node, next);
  if (!node.hasAttribute("data-widget")) morph(node, next);
}

// What a person changed here (an open fold, typed text, a choice) stays until the kernel's own value changes.
const PERSONAL = { DETAILS: ["open"], INPUT: ["value", "checked"] };
const CHOSEN = ["SELECT", "TEXTAREA"];

function served(node) {
  const values = (PERSONAL[node.nodeName] ?? []).map((name) => [name, node.getAttribute(name)]);
  return CHOSEN.includes(node.nodeName) ? { value: node.value } : Object.fromEntries(values);
}

function adopt(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return;
  for (const one of [node, ...node.querySelectorAll("details, input, select, textarea")]) page.served.set(one, served(one));
}

function settleAttributes(node, next) {
  const [before, now] = [page.served.get(node) ?? {}, served(next)];
  page.served.set(node, now);
  const late = before.value !== now.value && isLate(node, now.value);
  const stays = (name) =>
    name in now && !CHOSEN.includes(node.nodeName) && (before[name] === now[name] || (late && name === "value"));
  for (const { name, value } of next.attributes) {
    if (!stays(name) && node.getAttribute(name) !== value) node.setAttribute(name, value);
    if (!stays(name) && (name === "value" || name === "checked")) {
      node[name] = name === "checked" || value;
      told.delete(node);
    }
  }
  for (const { name } of [...node.attributes]) {
    if (next.hasAttribute(name) || stays(name) || HOST.includes(name)) continue;
    node.removeAttribute(name);
    if (name === "checked") node.checked = false;
  }
  if (CHOSEN.includes(node.nodeName) && before.value !== now.value && !late) page.later.push(() => (node.value = now.value));
}

// What the kernel says of an earlier keystroke must not undo the later ones, of which it has not heard yet.
function isLate(node, value) {
  const waiting = told.get(node) ?? [];
  const heard = waiting.splice(0, waiting.lastIndexOf(value) + 1);
  return heard.length > 0 && waiting.length > 0;
}

const HOST = ["data-mounted", "data-pressed", "data-lm-suppress-shortcuts"]; // written here, never by the kernel

// ---- what a person does --------------------------------------------------------------------------------------------------

function listen(view) {
  const { root } = view;
  root.addEventListener("click", (event) => clicked(view, event));
  root.addEventListener("change", (event) => changed(view, event));
  root.addEventListener("input", (event) => typed(view, event));
  root.addEventListener("keydown", (event) => pressed(view, event));
  root.addEventListener("keyup", () => quieten(root));
  quieten(root);
  new MutationObserver(() => quieten(root)).observe(root, { childList: true, subtree: true });
}

function clicked(view, event) {
  const target = event.target.closest("[data-do], [data-copy], [data-download]");
  if (!target || !view.root.contains(target)) return;
  if (target.getAttribute("aria-disabled") === "true") return event.preventDefault();
  const again = event.detail > 1 && view.pressed !== target.dataset.do;
  view.pressed = target.dataset.do;
  if (again) return event.preventDefault(); // a double click presses nothing that came in its middle
  if (target.dataset.copy !== undefined) return copy(view.root, target);
  if (target.dataset.download) return download(view.root, target);
  if (target.nodeName !== "INPUT") event.preventDefault();
  target.dataset.pressed = ""; // answered at once, whatever the kernel does
  setTimeout(() => delete target.dataset.pressed, 600);
  const secret = target.dataset.from && view.root.querySelector(`#${CSS.escape(target.dataset.from)}`);
  tell(view, { do: target.dataset.do, value: secret ? taken(secret) : target.dataset.value ?? null });
}

// A secret is sent once, and stands nowhere after.
function taken(field) {
  const { value } = field;
  field.value = "";
  return value;
}

const told = new WeakMap(); // a field -> what of it the kernel was told, in turn, until the kernel says the same or something else
function changed(view, event) {
  const { target } = event;
  if (!target.name || !target.dataset.field) return;
  const value = target.type === "checkbox" ? target.checked : target.value;
  const before = told.get(target) ?? [];
  if (target.type === "text" && before.at(-1) === value) return; // by Enter, and again as the field is left
  told.set(target, [...before, value]);
  tell(view, { set: target.dataset.field, value });
}

let typing = null;
function typed(view, event) {
  const { target } = event;
  if (target.dataset.suggest === undefined) return;
  clearTimeout(typing);
  typing = setTimeout(() => tell(view, { typed: target.dataset.field, value: target.value }), 250);
}

// Enter in a field is its change; arrows move between what belongs together.
function pressed(view, event) {
  if (event.key === "Shift" || event.key === "Control") speakFreely(view.root);
  if (event.key !== "Enter" || event.shiftKey) return;
  if (event.target.type === "password") return tell(view, { do: event.target.dataset.enter, value: taken(event.target) });
  if (event.target.type !== "text") return;
  event.target.dispatchEvent(new Event("change", { bubbles: true }));
  if (event.target.dataset.enter) tell(view, { do: event.target.dataset.enter, value: null });
}

// JupyterLab would take letters and arrows in a list or slider for its own commands; Shift+Enter stays the host's.
const CONTROLS = "select, input, textarea, summary, [role=radio], [role=slider]";
function quieten(root) {
  for (const control of root.querySelectorAll(CONTROLS)) control.dataset.lmSuppressShortcuts = "true";
}
function speakFreely(root) {
  for (const control of root.querySelectorAll(CONTROLS)) delete control.dataset.lmSuppressShortcuts;
}

function tell(view, message) {
  const { model, root, store } = view;
  if (store.lost) return explain(root, LOST);
  model.send(message);
  clearTimeout(store.waiting);
  store.waiting = setTimeout(() => statusOf(model) === "busy" && explain(root, BUSY), PATIENCE);
}

const textOf = (root, target) => {
  const field = root.querySelector(`#${CSS.escape(target.getAttribute("aria-controls") ?? "")}`);
  return target.dataset.copy || (field?.value ?? field?.innerText ?? "");
};

async function copy(root, target) {
  const words = (target.dataset.words ??= target.textContent);
  try {
    await navigator.clipboard.writeText(textOf(root, target));
    target.textContent = "Copied";
  } catch {
    target.textContent = "Not allowed: select it"; // no clipboard over plain http
  }
  setTimeout(() => (target.textContent = words), 1500);
}

function download(root, target) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([textOf(root, target)], { type: "text/x-python" }));
  link.download = target.dataset.download;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// ---- the kernel, and time ----------------------------------------------------------------------------------------------------

const statusOf = (model) => model.widget_manager?.kernel?.status;

function watchKernel(view) {
  const kernel = view.model.widget_manager?.kernel;
  if (!kernel?.statusChanged) return () => {};
  const look = (_, status) => {
    if (GONE.includes(status)) {
      view.store.lost = true;
      explain(view.root, LOST);
    } else if (status === "idle" && !view.store.lost) explain(view.root, "");
  };
  look(kernel, kernel.status);
  kernel.statusChanged.connect(look);
  return () => kernel.statusChanged.disconnect(look);
}
const GONE = ["restarting", "autorestarting", "dead", "terminating"];

// Said where the buttons are, once; no words: it is over.
function explain(root, words) {
  const bars = root.querySelectorAll(".hfft-bar");
  for (const place of bars.length ? bars : [root]) {
    let note = place.querySelector(":scope > .hfft-kernel");
    if (!note && words) {
      note = document.createElement("p");
      note.className = "hfft-kernel";
      note.setAttribute("role", "status");
      place.append(note);
    }
    if (!words) note?.remove();
    else if (note.textContent !== words) note.textContent = words;
  }
}

// Ages tick here: <time data-since="1764400000"> says how long ago that was.
function tick(root) {
  const now = Date.now() / 1000;
  for (const age of root.querySelectorAll("time[data-since]")) {
    const words = span(Math.max(0, now - Number(age.dataset.since)));
    if (age.textContent !== words) age.textContent = words;
  }
}

function span(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
