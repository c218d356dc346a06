"""A chat with apps (MCP Apps, SEP-1865), small: it calls tools of a real server and shows their pages, as hosts do."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mcp import Client
from mcp.client.extension import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from playwright.sync_api import Browser, FrameLocator, Page

from hfft_widgets.agent.mcp import make_server
from hfft_widgets.jobs.money import Allowance

CAN = {"serverTools": {}, "updateModelContext": {"text": {}}, "openLinks": {}}
# what a host must forbid where a page asks for nothing
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "media-src 'self' data:; object-src 'none'; connect-src 'none'"
)
HOST = """<!doctype html><meta charset="utf-8"><style>body { margin: 16px; } iframe { border: 0; width: 100%; }</style>
<iframe sandbox="allow-scripts"></iframe>
<script>
const frame = document.querySelector("iframe");
const heard = [];
const post = (message) => frame.contentWindow.postMessage({ jsonrpc: "2.0", ...message }, "*");
const open = (html) => new Promise((resolve) => { globalThis.ready = resolve; frame.srcdoc = html; });
const ANSWERS = {
  "ui/initialize": () => ({ protocolVersion: "2026-01-26", hostInfo: { name: "chat", version: "1" }, ...about }),
  "tools/call": ({ name, arguments: values }) => globalThis.callTool(name, JSON.stringify(values)).then(JSON.parse),
  "ui/update-model-context": () => ({}),
  "ui/open-link": () => ({}),
};
addEventListener("message", async ({ source, data }) => {
  if (source !== frame.contentWindow) return;
  heard.push(data);
  if (data.method === "ui/notifications/size-changed") frame.style.height = `${data.params.height}px`;
  if (data.method === "ui/notifications/initialized") globalThis.ready();
  if (data.id === undefined || !data.method) return;
  try {
    const can = globalThis.about.hostCapabilities;
    const asks = { "tools/call": "serverTools", "ui/update-model-context": "updateModelContext" }[data.method];
    if (asks && !can[asks]) throw new Error("The host does not do this.");
    post({ id: data.id, result: await ANSWERS[data.method](data.params) });
  } catch (error) {
    post({ id: data.id, error: { code: -32000, message: String(error.message ?? error) } });
  }
});
</script>"""


class Chat:
    """One page of a chat.

    Attributes:
        wraps: Whether it puts a page into one of its own, as the MCP Inspector does, or its policy into the page.
        requests: Every address that it or a card in it asked for.
        problems: Errors and warnings of the console.
        calls: The tools that were called, with what.
    """

    def __init__(self, browser: Browser, *, width: int = 900, dark: bool = False, wraps: bool = False) -> None:
        self.wraps = wraps
        scheme = "dark" if dark else "light"
        context = browser.new_context(viewport={"width": width, "height": 1000}, color_scheme=scheme)
        self.page: Page = context.new_page()
        self.requests: list[str] = []
        self.problems: list[str] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda said: self.problems.append(said.text) if said.type != "log" else None)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.expose_function("callTool", lambda name, values: json.dumps(self.call(name, json.loads(values))))
        self.page.set_content(HOST)
        self.server = make_server(Allowance(0.0))

    @property
    def card(self) -> FrameLocator:
        """The page that is shown."""
        return self.page.frame_locator("iframe")

    def talk(self, work: Any) -> Any:
        """Talk with the server, in a thread: playwright's own has a running loop."""
        import anyio

        async def session() -> Any:
            offer = advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})
            async with Client(self.server, extensions=[offer]) as client:
                return await work(client)

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(anyio.run, session).result()

    def call(self, name: str, values: dict[str, Any]) -> dict[str, Any]:
        """A tool's result, as it is sent."""
        self.calls.append((name, values))
        found = self.talk(lambda client: client.call_tool(name, values))
        return found.model_dump(mode="json", by_alias=True, exclude_none=True)

    def show(
        self, tool: str, values: dict[str, Any], *, theme: str | None = None, can: Any = CAN, **context: Any
    ) -> None:
        """Call a tool and show its page, with what the host says of itself."""

        async def read(client: Client) -> str:
            (one,) = [one for one in (await client.list_tools()).tools if one.name == tool]
            return (await client.read_resource(one.meta["ui"]["resourceUri"])).contents[0].text

        html, meta = self.talk(read), f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        if self.wraps:
            html = f"<!doctype html><html><head>{meta}</head><body>{html}</body></html>"
        else:
            html = html.replace("<head>", f"<head>{meta}")
        about = {"hostCapabilities": can, "hostContext": {**({"theme": theme} if theme else {}), **context}}
        self.page.evaluate("about => { globalThis.about = about; }", about)
        self.page.evaluate("html => open(html)", html)
        self.tell("tool-input", {"arguments": values})
        self.tell("tool-result", self.call(tool, values))

    def tell(self, what: str, params: Any) -> None:
        """Notify the page."""
        self.page.evaluate("([method, params]) => post({ method, params })", [f"ui/notifications/{what}", params])

    def heard(self, method: str) -> list[dict[str, Any]]:
        """What the page sent."""
        return self.page.evaluate("method => heard.filter((one) => one.method === method)", method)

    def close(self) -> None:
        """Leave."""
        self.page.context.close()
