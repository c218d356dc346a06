// A card's side of the talk with the host of a chat (MCP Apps, SEP-1865): shows the card that came with a tool's result,
// asks the host to plan again where a person moves the slider, and to look again at a run that goes on.
//
// Nothing else runs here, and nothing is asked for but `plan` and `wait`: a card can start nothing.

// A host that wraps the page in one of its own leaves the policy in the body, where it does not count.
const policy = document.getElementById("policy");
if (policy.parentNode !== document.head) document.head.append(policy);

const form = document.querySelector("form");
const status = document.querySelector("[role=status]");
const main = document.querySelector("main");
const CARD = "hfft/card";
const CONTROL = "hfft/control";
const PAUSE = 2000; // milliseconds between two looks at a run
const asked = new Map();
let can = {}; // what the host can do
let given = {}; // what the tool was called with
let wanted = null; // the settings that are to be planned next
let planning = false;
let offered = ""; // the slider, where the plan is that is shown
let looking = 0; // the timer until the next look; 0: none

// ---- the talk -------------------------------------------------------------------------------------------------------

const send = (message) => parent.postMessage({ jsonrpc: "2.0", ...message }, "*");

function ask(method, params) {
  const id = asked.size + 1;
  send({ id, method, params });
  return new Promise((resolve, reject) => asked.set(id, { resolve, reject }));
}

const HEARD = {
  "ui/notifications/tool-input": (params) => (given = params.arguments ?? {}),
  "ui/notifications/tool-result": show,
  "ui/notifications/tool-cancelled": () => say("It was cancelled."),
  "ui/notifications/host-context-changed": dress,
  "ui/resource-teardown": () => clearTimeout(looking),
  ping: () => {},
};

addEventListener("message", ({ source, data }) => {
  if (source !== parent || data?.jsonrpc !== "2.0") return;
  if (!data.method) {
    const { resolve, reject } = asked.get(data.id) ?? {};
    if (data.error) reject?.(new Error(data.error.message));
    else resolve?.(data.result);
    return;
  }
  const hear = HEARD[data.method];
  hear?.(data.params ?? {});
  if (data.id === undefined) return;
  send(hear ? { id: data.id, result: {} } : { id: data.id, error: { code: -32601, message: "Not known here." } });
});

const call = (name, values) => ask("tools/call", { name, arguments: values });
const words = (result) => (result.content ?? []).map((part) => part.text ?? "").join("\n");

// ---- what is shown --------------------------------------------------------------------------------------------------

function say(text) {
  status.textContent = text;
}

function show(result) {
  const card = result.isError ? null : result._meta?.[CARD];
  if (!card) {
    control(offered);
    return say(words(result));
  }
  const open = [...main.querySelectorAll("details")].map((one) => one.open);
  main.innerHTML = card; // text in it is escaped where it is made, and the page's policy runs no other script
  const folds = main.querySelectorAll("details");
  if (folds.length === open.length) folds.forEach((one, at) => (one.open = open[at]));
  control((offered = result._meta[CONTROL] ?? ""));
  say(inTheWay(result));
  follow(result.structuredContent ?? {});
}

function inTheWay({ structuredContent }) {
  const obstacle = structuredContent?.obstacle;
  return obstacle ? `It cannot be launched as it is: ${obstacle}` : "";
}

function control(html) {
  const held = form.contains(document.activeElement);
  form.innerHTML = can.serverTools ? html : "";
  if (held) form.querySelector("input")?.focus();
}

function dress({ theme, styles }) {
  const root = document.documentElement;
  for (const [name, value] of Object.entries(styles?.variables ?? {})) root.style.setProperty(name, value ?? "");
  if (!theme) return;
  root.style.colorScheme = theme;
  document.body.dataset.jpThemeLight = String(theme === "light");
}

// ---- planning again -------------------------------------------------------------------------------------------------

const chosen = (slider) => JSON.parse(slider.dataset.values)[slider.value];

form.addEventListener("input", ({ target }) => {
  const [, said] = chosen(target);
  target.nextElementSibling.textContent = said;
  target.setAttribute("aria-valuetext", said);
});
form.addEventListener("change", ({ target }) => {
  wanted = { [target.name]: chosen(target)[0] };
  if (!planning) again();
});
form.addEventListener("submit", (event) => event.preventDefault());

async function again() {
  planning = true;
  main.setAttribute("aria-busy", "true");
  while (wanted) {
    const { minutes, settings, ...rest } = given; // how long it may take is what the slider now says
    const { max_steps, ...others } = settings ?? {};
    const values = { ...rest, settings: { ...others, ...wanted } };
    wanted = null;
    say("Planning again …");
    try {
      const result = await call("plan", values);
      show(result);
      if (!result.isError && !wanted) await tell(result, values.settings);
    } catch (error) {
      say(`It was not planned again: ${error.message}`);
    }
  }
  planning = false;
  main.setAttribute("aria-busy", "false");
}

// The agent must not launch the plan that was changed here without knowing.
async function tell(result, settings) {
  const slider = form.querySelector("input");
  const ends = slider && chosen(slider)[0] !== settings[slider.name] ? "A limit that was given ends it earlier. " : "";
  const text = `The person changed the plan in its card. This one counts now:\n${words(result)}`;
  const plan = `${ends}This is plan ${result.structuredContent.fingerprint}`;
  let known = "Tell the agent to launch this one: it does not know of it.";
  try {
    if (!can.updateModelContext) throw new Error("the host passes nothing on");
    await ask("ui/update-model-context", { content: [{ type: "text", text }] });
    known = "The agent knows of it.";
  } catch {} // said below
  say([`${plan}. ${known}`, inTheWay(result)].join("\n").trim());
}

// ---- looking again at a run that goes on ----------------------------------------------------------------------------

function follow({ id, cursor, complete }) {
  clearTimeout(looking);
  looking = cursor && !complete && can.serverTools ? setTimeout(look, PAUSE, id, cursor) : 0;
}

async function look(id, cursor) {
  if (document.hidden) return follow({ id, cursor });
  try {
    const result = await call("wait", { run_id: id, since: cursor, seconds: 20 });
    if (result.isError) throw new Error(words(result));
    show(result);
  } catch (error) {
    say(`Not looked at again since ${new Date().toLocaleTimeString()}: ${error.message}`);
  }
}

// ---- the page -------------------------------------------------------------------------------------------------------

main.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!link) return;
  event.preventDefault();
  ask("ui/open-link", { url: link.href }).catch(() => say(`Its address: ${link.href}`));
});

new ResizeObserver(([{ target }]) => {
  const { width, height } = target.getBoundingClientRect();
  send({ method: "ui/notifications/size-changed", params: { width: Math.ceil(width), height: Math.ceil(height) } });
}).observe(document.body);

ask("ui/initialize", {
  protocolVersion: "2026-01-26",
  appInfo: { name: "hfft_widgets", version: document.documentElement.dataset.version },
  appCapabilities: { availableDisplayModes: ["inline"] },
}).then(({ hostCapabilities, hostContext }) => {
  can = hostCapabilities ?? {};
  dress(hostContext ?? {});
  send({ method: "ui/notifications/initialized", params: {} });
});
