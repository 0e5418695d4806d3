// SPDX-License-Identifier: GPL-2.0-only
// The endpoint's replies and what a person reads of them: a tunnel's state, its epochs, and what comes next.

import { parseDocument } from "../../../src/app/document";
import { type EndpointConfiguration, readEndpointConfiguration } from "../../../src/app/endpoint-configuration";
import { ENDPOINT_KEYS } from "../../../src/app/endpoint-keys";
import { isSameTunnel, takeLiveEndpointKeys } from "../../../src/app/endpoint-reload";
import { needsRestart } from "../../../src/app/document-key";
import type { TunnelItem, TunnelsReport } from "../../../src/app/report/tunnel-report";
import { displayWidth } from "../../../src/app/text/layout";
import { tunnelsView, tunnelView } from "../../../src/app/view/tunnels-view";
import { rekeyingEndpoint, SampleEndpoint } from "./sample-endpoint";

describe("`vpnmasq tunnels`", () => {
  it("shows which epoch carries data, which is pinged, and what comes next", () => {
    assert.same(
      [
        "tunnel office",
        "  state:      confirming for 0.3 s",
        "  peers:      192.168.1.11 > 198.51.100.99",
        "  daemon:     libreswan, connection office",
        "  epoch:      out 0xc0ffee01 in 0x00001001, data; 1 m old, last answer 1 m ago",
        "  epoch:      out 0xc0ffee02 in 0x00001002, pings; 0.3 s old, no answer yet",
        "  round trip: 30 ms",
        "  next:       ping in 0.7 s",
        "  held:       1 time, 0.0 s in all, 0.0 s at most; 3 packets released",
      ],
      tunnelsView(rekeyingEndpoint().ask<TunnelsReport>('{"command": "tunnels"}'))[0].split("\n"),
    );
  });

  it("fits 80 columns with everything that can be wrong", () => {
    const endpoint = rekeyingEndpoint();
    const { machine } = endpoint.tunnel;
    machine.outages.begin("pings were not answered", 2000);
    machine.outages.tried("new-ike");
    machine.outages.end(50_000);
    machine.outages.begin("the last epoch was removed", 61_100);
    endpoint.discarded = 50;
    endpoint.problems = ["no way to 198.51.100.99: the next hop on eth0 does not answer and it did so before"];
    const item = endpoint.ask<TunnelItem>('{"command": "explain", "subject": "office"}');
    const lines = tunnelView(item);
    for (const line of lines) assert.is_true(displayWidth(line) <= 80, line);
    const text = lines.join("\n");
    assert.is_not_nil(string.find(text, "recoveries: 1; the last 11 s ago by new-ike, in 48 s: pings", 1, true)[0]);
    assert.is_not_nil(string.find(text, "this host discarded 50 packets", 1, true)[0]);
    assert.is_not_nil(string.find(text, "outage:     for 0.2 s: the last epoch was removed", 1, true)[0]);
  });
});

describe("a reload of the endpoint", () => {
  const document = (changes: string): EndpointConfiguration => {
    const text = `{${changes}"tunnels": [{"name": "one", ${TUNNEL}}, {"name": "two", ${TUNNEL}}]}`;
    return readEndpointConfiguration(parseDocument(text)[0]!)[0]!;
  };
  const TUNNEL = '"daemon": "libreswan", "connection": "c", "ping_source": "10.0.1.1", "ping_target": "10.99.0.1"';

  it("leaves alone tunnels that are as they were, and takes timers for a change of all", () => {
    const [one, two] = document("").tunnels;
    assert.is_true(isSameTunnel(one, document('"log_level": "info", ').tunnels[0]));
    assert.is_false(isSameTunnel(one, two));
    assert.is_false(isSameTunnel(one, document('"timers": {"max_idle_ms": 9000}, ').tunnels[0]));
  });

  it("takes over all but the control socket and where messages go", () => {
    const running = document("");
    const fresh = document('"control": "/run/other.sock", "log": "syslog", "log_level": "info", ');
    const taken = takeLiveEndpointKeys(running, fresh);
    assert.equal(running.control, taken.control);
    assert.equal("stderr", taken.log);
    assert.equal("info", taken.logLevel);
    assert.same(["control", "log"], needsRestart(ENDPOINT_KEYS, taken.effective, fresh.effective));
  });

  it("that was refused is told by `vpnmasq tunnels` with its reason", () => {
    const endpoint = new SampleEndpoint();
    endpoint.lastReload = { isGood: false, messages: ["timers.rekey_ms: 1 is not accepted"], atMs: 1000 };
    endpoint.nowIs = 4000;
    const lines = tunnelsView(endpoint.ask<TunnelsReport>('{"command": "tunnels"}'))[0].split("\n");
    assert.same(
      [
        "reload:       refused 3.0 s ago; the configuration before it holds",
        "              timers.rekey_ms: 1 is not accepted",
      ],
      lines.slice(lines.length - 2),
    );
  });
});

describe("`vpnmasq explain TUNNEL`", () => {
  it("tells what happened, the last first", () => {
    const item = rekeyingEndpoint().ask<TunnelItem>('{"command": "explain", "subject": "office"}');
    const lines = tunnelView(item);
    assert.same(
      [
        "What happened lately, the last first",
        "  0.3 s     confirming: a new epoch has come",
        "  1 m       up: the epoch was answered",
      ],
      lines.slice(lines.length - 3),
    );
  });

  it("of a name that there is not is told which there are", () => {
    assert.same(
      { error: 'there is no tunnel of this name; use one of "office"' },
      new SampleEndpoint().ask('{"command": "explain", "subject": "ofice"}'),
    );
  });
});
