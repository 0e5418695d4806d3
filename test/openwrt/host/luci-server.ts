// SPDX-License-Identifier: GPL-2.0-only
// A stand-in for the web server of a router with LuCI: its pages, its static files, and ubus over HTTP.
//
// Real are: everything of luci-app-vpnmasq as it is installed (menu, access list, views), the back end that rpcd would
// run, and the program it asks. Stand-ins are: rpcd and ubus (here), the session, the `uci` object, and, unless
// LUCI_SOURCE names a checkout of openwrt/luci, LuCI's own modules (test/openwrt/luci/) and theme. With LUCI_SOURCE the
// same tests run against the real modules, which shows whether the stand-ins are faithful.

import { spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import type { UciStore } from "./uci-store.js";

const FILES = "firmware/openwrt/files";
const STAND_IN = "test/openwrt/luci";
const PLUGIN = `${FILES}/usr/libexec/rpcd/vpnmasq`;
const BODY_BYTES_MAX = 1 << 20;
const PATH = `${path.resolve("build")}:${process.env.PATH ?? ""}`;

const TYPES: Record<string, string> = {
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".json": "application/json",
};

/** Status codes of ubus (libubox, ubusmsg.h). */
const UBUS = { ok: 0, methodNotFound: 3, notFound: 4, noData: 5, permissionDenied: 6 };

interface AccessList {
  readonly read: { readonly ubus: Record<string, string[]>; readonly uci: string[] };
}

interface MenuEntry {
  readonly title: string;
  readonly action: { readonly type: string; readonly path?: string };
}

function readJson(file: string): unknown {
  return JSON.parse(fs.readFileSync(path.join(FILES, file), "utf8"));
}

/** What rpcd does with a plug-in: runs it, hands over the arguments, takes one JSON object. */
function callPlugin(method: string, given: unknown): Promise<[number, object?]> {
  const child = spawn(PLUGIN, ["call", method], { env: { ...process.env, PATH }, stdio: ["pipe", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
  child.stdin.end(JSON.stringify(given));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => {
      resolve(text === "" ? [UBUS.noData] : [UBUS.ok, JSON.parse(text) as object]);
    });
  });
}

export interface LuciOptions {
  readonly uci: UciStore;
  /** Logical interfaces, as netifd tells of them. */
  readonly interfaces: readonly string[];
  /** A catalogue, for LuCI's stand-in: what stands instead of a text. (The real one is looked up by a hash.) */
  readonly translations?: Record<string, string>;
}

export class LuciServer {
  readonly acl = readJson("usr/share/rpcd/acl.d/luci-app-vpnmasq.json") as Record<string, AccessList>;
  readonly menu = readJson("usr/share/luci/menu.d/luci-app-vpnmasq.json") as Record<string, MenuEntry>;
  /** Every reply of the plug-in, in bytes, by method. */
  readonly replyBytes = new Map<string, number>();
  private readonly real = process.env.LUCI_SOURCE;
  private readonly server = http.createServer((request, response) => {
    this.answer(request, response).catch((problem: unknown) => {
      response.writeHead(500).end(String(problem));
    });
  });

  constructor(private readonly options: LuciOptions) {}

  /** @returns the address of the pages */
  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    const { port } = this.server.address() as { port: number };
    return `http://127.0.0.1:${String(port)}`;
  }

  /** What a click on "Apply" ends in: the file is written. */
  commit(): void {
    this.options.uci.call("apply", {});
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (pathname.startsWith("/ubus")) {
      const calls = JSON.parse(await bodyOf(request)) as RpcCall | RpcCall[];
      const replies = Array.isArray(calls)
        ? await Promise.all(calls.map((one) => this.rpc(one)))
        : await this.rpc(calls);
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(replies));
    } else if (pathname.startsWith("/luci-static/")) {
      this.sendFile(pathname, response);
    } else if (pathname.startsWith("/cgi-bin/luci/admin/services/")) {
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(this.page(pathname));
    } else {
      response.writeHead(pathname === "/favicon.ico" ? 204 : 404).end();
    }
  }

  // Static files: ours as installed, LuCI's real or stood in for

  private sendFile(pathname: string, response: http.ServerResponse): void {
    const roots = [`${FILES}/www`, ...(this.real === undefined ? [STAND_IN] : realRoots(this.real))];
    const file = roots.map((root) => path.join(root, pathname)).find((one) => fs.existsSync(one));
    if (file === undefined) {
      response.writeHead(404).end();
      return;
    }
    const type = TYPES[path.extname(file)] ?? "application/octet-stream";
    response.writeHead(200, { "content-type": type }).end(fs.readFileSync(file));
  }

  /** The page around a view: what LuCI's dispatcher and the theme Bootstrap make. */
  private page(pathname: string): string {
    const node = pathname.replace("/cgi-bin/luci/", "");
    const view = this.menu[node]?.action.path;
    const scripts = this.real === undefined ? ["luci.js"] : ["cbi.js", "promis.min.js", "luci.js"];
    const environment = {
      media: "/luci-static/bootstrap",
      resource: "/luci-static/resources",
      scriptname: "/cgi-bin/luci",
      pathinfo: `/${node}`,
      documentroot: "/www",
      requestpath: node.split("/"),
      dispatchpath: node.split("/"),
      pollinterval: 1,
      ubuspath: "/ubus/",
      sessionid: "00000000000000000000000000000001",
      nodespec: { satisfied: true, readonly: false, depends: { acl: ["luci-app-vpnmasq"] } },
      apply_rollback: 90,
      apply_holdoff: 0.01,
      apply_timeout: 5,
      apply_display: 0.1,
    };
    return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>router - LuCI</title>
<meta name="viewport" content="initial-scale=1.0">
<script>
var dark = window.matchMedia('(prefers-color-scheme: dark)');
document.documentElement.setAttribute('data-darkmode', dark.matches);
</script>
<link rel="stylesheet" href="/luci-static/bootstrap/cascade.css">
<link rel="stylesheet" media="only screen and (max-device-width: 854px)" href="/luci-static/bootstrap/mobile.css">
<script>window.TR = ${JSON.stringify(this.options.translations ?? {})};</script>
${scripts.map((name) => `<script src="/luci-static/resources/${name}"></script>`).join("\n")}
<script>L = new LuCI(${JSON.stringify(environment)});</script>
</head>
<body>
<header><a class="brand" href="/">router</a>${this.menuLinks()}<div id="indicators" class="pull-right"></div></header>
<div id="maincontent" class="container"><div id="tabmenu" style="display:none"></div>
<div id="view"><div class="spinning">Loading view…</div>
<script>L.require('ui').then(function (ui) { ui.instantiateView('${view ?? ""}'); });</script>
</div></div>
</body>
</html>
`;
  }

  private menuLinks(): string {
    const entries = Object.entries(this.menu).filter(([, { action }]) => action.type === "view");
    const links = entries.map(([node, { title }]) => `<li><a href="/cgi-bin/luci/${node}">${title}</a></li>`);
    return `<ul class="nav" id="topmenu">${links.join("")}</ul>`;
  }

  // ubus over HTTP

  private async rpc({ id, method, params }: RpcCall): Promise<object> {
    if (method !== "call") return { jsonrpc: "2.0", id, result: [] };
    const [, object, name, given] = params as [string, string, string, Record<string, unknown>];
    return { jsonrpc: "2.0", id, result: await this.call(object, name, given) };
  }

  private async call(object: string, method: string, given: Record<string, unknown>): Promise<[number, object?]> {
    if (object === "vpnmasq") return this.callVpnmasq(method, given);
    if (object === "uci") {
      const reply = given.config === undefined || given.config === this.options.uci.name;
      if (!reply) return [UBUS.ok, { values: {} }];
      const answer = this.options.uci.call(method, given);
      return answer === undefined ? [UBUS.methodNotFound] : [UBUS.ok, answer];
    }
    const known = this.systemReplies()[`${object}.${method}`];
    return known === undefined ? [UBUS.notFound] : [UBUS.ok, known];
  }

  /** Only what the access list lets in, as rpcd has it. */
  private async callVpnmasq(method: string, given: Record<string, unknown>): Promise<[number, object?]> {
    const allowed = Object.values(this.acl).flatMap(({ read }) => read.ubus.vpnmasq ?? []);
    if (!allowed.includes(method)) return [UBUS.permissionDenied];
    const reply = await callPlugin(method, { ...given, ubus_rpc_session: "00000000000000000000000000000001" });
    this.replyBytes.set(method, Math.max(this.replyBytes.get(method) ?? 0, JSON.stringify(reply[1] ?? {}).length));
    return reply;
  }

  /** Other objects of ubus that LuCI's modules ask, with the little that a form with interfaces needs. */
  private systemReplies(): Record<string, object> {
    return {
      "session.access": { access: true },
      "luci.getFeatures": {},
      "network.interface.dump": {
        interface: this.options.interfaces.map((name) => ({
          interface: name,
          up: true,
          l3_device: name,
          proto: "static",
        })),
      },
      "network.get_proto_handlers": {},
      "luci-rpc.getNetworkDevices": {},
      "luci-rpc.getWirelessDevices": {},
      "luci-rpc.getBoardJSON": {},
      "luci-rpc.getHostHints": {},
    };
  }
}

interface RpcCall {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

function realRoots(source: string): string[] {
  return [`${source}/modules/luci-base/htdocs`, `${source}/themes/luci-theme-bootstrap/htdocs`];
}

async function bodyOf(request: http.IncomingMessage): Promise<string> {
  let text = "";
  for await (const part of request.setEncoding("utf8")) {
    text += String(part);
    if (text.length > BODY_BYTES_MAX) throw new Error("the request is too long");
  }
  return text;
}
