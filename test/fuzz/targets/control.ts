// SPDX-License-Identifier: GPL-2.0-only
// The control sockets of both roles.

import { answerLine } from "../../../src/app/control-request";
import { answerEndpointLine } from "../../../src/app/endpoint-request";
import { rekeyingEndpoint } from "../../spec/app/sample-endpoint";
import { routerWithWaitingClient } from "../../spec/app/sample-router";
import { controlTarget } from "../control-replies";

const router = routerWithWaitingClient();
const endpoint = rekeyingEndpoint();

export const control = controlTarget(
  "control",
  "Requests on the router's control socket: each has one reply, a line of JSON of a bounded length.",
  {
    seeds: [
      '{"command":"status"}',
      '{"command":"table","table":"esp","offset":0,"limit":200}',
      '{"command":"table","table":"ike","limit":1}',
      '{"command":"explain","subject":"192.168.1.10"}',
      '{"command":"explain","subject":"0x00001001"}',
      '{"command":"health"}',
      '{"command":"counters"}',
      '{"command":"configuration"}',
      '{"command":"log"}',
    ],
    words: ["command", "table", "offset", "limit", "subject"],
    values: ['"esp"', '"ike"', '"flows"', '"table"', '"explain"', '"esp-waiting"', '"0x1001"', '"198.51.100.1"'],
  },
  (line) => answerLine(router, line),
);

export const endpointControl = controlTarget(
  "endpoint-control",
  "The same on the endpoint's control socket.",
  {
    seeds: [
      '{"command":"tunnels"}',
      '{"command":"tunnels","offset":0,"limit":200}',
      '{"command":"explain","subject":"office"}',
      '{"command":"configuration"}',
      '{"command":"log"}',
    ],
    words: ["command", "offset", "limit", "subject"],
    values: ['"tunnels"', '"explain"', '"office"', '"configuration"', '"log"'],
  },
  (line) => answerEndpointLine(endpoint, line),
);
