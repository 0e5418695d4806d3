// SPDX-License-Identifier: GPL-2.0-only
// The watchdog drives strongSwan at the client: a first epoch, a rekey, a router that has lost its memory, a server
// that has forgotten the tunnel, and one that has forgotten everything.
//
// IKEv2 alone: every IKEv1 daemon at hand takes part in NAT traversal when strongSwan begins it, and what follows then
// is ESP within UDP, which needs none of this.

import { askEndpoint, clientTunnel, endpointLog, startClientEndpoint, stopEndpoint, watchedTunnel } from "../endpoint";
import { SIGTERM } from "../libc";
import { OPENIKED_PROPOSALS, openIkedLog, restartOpenIked, startOpenIked } from "../openiked";
import { type Router, startRouter } from "../router";
import type { Findings, Scenario } from "../scenario";
import { type Daemon, must, stop } from "../shell";
import {
  childrenOf,
  clientConnection,
  initiateStrongSwan,
  startStrongSwan,
  STRONGSWAN_TUNNEL,
  strongSwanLog,
  rekeyStrongSwan,
  viciSocketOf,
} from "../strongswan";
import { buildTopology, type Client, removeTopology, type Topology } from "../topology";
import { answeredPercent, measureTraffic } from "../traffic";
import { awaitRecovery, comeUp, forgottenByServer, isUp, rekeyUnderTraffic, type Trial } from "../trials";

const AFTER_MS = 2000;
/** For what is on its way while the table is learned anew. */
const RELEARNED_PERCENT = 80;
const STOP_TIMEOUT_MS = 2000;

/** The router forgets all it knows; its table learns the only tunnel anew, so nothing has to be negotiated. */
function crashRouter({ findings, topology, client }: Trial, router: Router): void {
  const before = watchedTunnel(client.name)?.epochs[0]?.out_spi;
  router.kill();
  router.wipeSnapshot();
  router.restart();
  const [after] = measureTraffic(topology, AFTER_MS);
  findings.progress(`the router lost its memory: ${answeredPercent(after)} % answered after its return`);
  findings.atLeast("after_crash_answered", answeredPercent(after), "%", RELEARNED_PERCENT);
  const tunnel = watchedTunnel(client.name);
  findings.check(isUp(tunnel), "The tunnel is not up after the router's return.");
  const isSame = tunnel?.epochs.some(({ out_spi }) => out_spi === before) === true;
  findings.check(isSame || tunnel?.last_recovery?.by === "rekey", "A new IKE session was made where none was needed.");
}

/** @returns its server, started again */
function crashServer({ findings, client }: Trial, server: Daemon): Daemon {
  const restarted = restartOpenIked(server, client);
  const by = awaitRecovery(client);
  findings.progress(`the server restarted: ${by === undefined ? "NOT back" : `back by ${by}`}`);
  findings.check(by === "new-ike", `The tunnel came back by ${by ?? "nothing"}, not by a new IKE session.`);
  findings.figure("server_restarted_took", watchedTunnel(client.name)?.last_recovery?.took_ms ?? math.huge, "ms");
  return restarted;
}

function watchStrongSwan(client: Client): Daemon {
  const place = { connection: STRONGSWAN_TUNNEL, daemon_control: viciSocketOf(client.name) };
  return startClientEndpoint(client, { tunnels: [{ ...clientTunnel(client), daemon: "strongswan", ...place }] });
}

function tryTunnel(findings: Findings, topology: Topology): void {
  const [client] = topology.clients;
  const router = startRouter();
  let server = startOpenIked(client);
  const charon = startStrongSwan(client.name, clientConnection(client, OPENIKED_PROPOSALS));
  findings.progress("network, vpnmasq, strongSwan at the client and OpenIKED at the server (IKEv2)");
  const endpoint = watchStrongSwan(client);
  const trial: Trial = { findings, prefix: "", topology, client };
  comeUp(trial, () => {
    const said = initiateStrongSwan(client);
    return said.includes("initiate completed successfully") ? undefined : said;
  });
  const before = childrenOf(client.name);
  rekeyUnderTraffic(trial, () => {
    rekeyStrongSwan(client);
  });
  findings.atMost("rekey_negotiations", childrenOf(client.name) - before, "negotiations", 1);
  crashRouter(trial, router);
  forgottenByServer(trial);
  server = crashServer(trial, server);
  findings.exhibit(askEndpoint(client.name, `explain ${client.name}`).output);
  if (findings.failures > 0) findings.exhibit(endpointLog(client.name) + strongSwanLog(client.name) + openIkedLog());
  stopEndpoint(endpoint);
  for (const daemon of [charon, server]) stop(daemon, SIGTERM, STOP_TIMEOUT_MS);
  router.stop();
}

export const strongswan: Scenario = {
  name: "strongswan",
  explanation:
    "The watchdog drives strongSwan: a first epoch, a rekey, a router that has lost its memory, a server that has forgotten the tunnel, and one that has restarted.",
  run: (findings) => {
    must("rm -rf /run/nodes");
    const topology = buildTopology(1);
    tryTunnel(findings, topology);
    removeTopology(topology);
  },
};
