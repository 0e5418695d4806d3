// SPDX-License-Identifier: GPL-2.0-only
// `explain`: of a client or an SPI everything that is known; of all, whatever is not plain right now.

import { ESP_RECORD_WORDS, EspField, FLAG_COLLISION, FLAG_SHARED, Phase } from "../../masquerade/esp-record";
import { type Decision, isPlain } from "../../masquerade/decisions";
import type { NatLoss, NatLossPhase } from "../../watchdog/nat-loss";
import { formatAddress, parseAddress, parseSpi } from "../../wire/address";
import type { RouterState } from "../router-state";
import { type DecisionItem, decisionItem } from "./decision-report";
import { espItem, type EspItem } from "./esp-report";
import { ikeItem, type IkeItem } from "./ike-report";

export interface ExplainReport {
  /** The client or SPI asked for; absent: everything out of the ordinary. */
  readonly subject?: string | undefined;
  readonly esp: readonly EspItem[];
  readonly ike: readonly IkeItem[];
  /** Tunnels that seem to have lost their way back. */
  readonly losses: readonly LossItem[];
  /** The latest first. */
  readonly decisions: readonly DecisionItem[];
  /** Items that were left out of the lists, which are bounded. */
  readonly left_out: number;
}

/** What the NAT-loss watch thinks of a client's tunnels with a server. */
export interface LossItem {
  readonly client: string;
  readonly server: string;
  readonly phase: NatLossPhase;
  readonly since_ms: number;
  readonly ends_in_ms: number;
  readonly evidence: string;
  readonly next: string;
}

/** What `explain` can be asked about. */
export const SUBJECT_ACCEPTED = "an IPv4 address or an SPI (0x and 1 to 8 hex digits)";

const ITEMS_MAX = 50;
const DECISIONS_MAX = 20;
/** Without a subject: so that it all fits a screen. */
const DECISIONS_SHOWN = 6;

/** Which items and decisions a subject means. */
interface Selection {
  readonly esp: (client: number, server: number, outSpi: number, inSpi: number, state: number) => boolean;
  readonly ike: (client: number, server: number, isEstablished: boolean) => boolean;
  readonly decision: (decision: Decision) => boolean;
}

const OUT_OF_THE_ORDINARY: Selection = {
  esp: (_client, _server, _outSpi, _inSpi, state) => {
    const phase: Phase = state & 3;
    return phase !== Phase.Established || (state & (FLAG_SHARED | FLAG_COLLISION)) !== 0;
  },
  ike: (_client, _server, isEstablished) => !isEstablished,
  decision: ({ reason }) => !isPlain(reason),
};

/** The selection for a client's or server's address or an SPI; undefined when the text is neither. */
function selectionFor(subject: string): Selection | undefined {
  const address = parseAddress(subject);
  const spi = parseSpi(subject);
  if (address !== undefined) {
    return {
      esp: (client, server) => client === address || server === address,
      ike: (client, server) => client === address || server === address,
      decision: ({ client, server }) => client === address || server === address,
    };
  }
  if (spi === undefined) return undefined;
  return {
    esp: (_client, _server, outSpi, inSpi) => outSpi === spi || inSpi === spi,
    ike: () => false,
    decision: (decision) => decision.spi === spi,
  };
}

const NEXT_OF_LOSS: Record<NatLossPhase, string> = {
  suspected: "its IKE session is stopped when nothing comes in until then",
  blocked: "IKE stays stopped until then, or until the client's new session is answered",
  resting: "left alone until then, whatever happens",
};

function lossItem({ client, server, phase, sinceMs, untilMs, because }: NatLoss, nowMs: number): LossItem {
  return {
    client: formatAddress(client),
    server: formatAddress(server),
    phase,
    since_ms: nowMs - sinceMs,
    ends_in_ms: untilMs - nowMs,
    evidence: because,
    next: NEXT_OF_LOSS[phase],
  };
}

/** The report; undefined when the subject is neither an address nor an SPI. */
export function explainReport(state: RouterState, subject: string | undefined): ExplainReport | undefined {
  const selection = subject === undefined ? OUT_OF_THE_ORDINARY : selectionFor(subject);
  if (selection === undefined) return undefined;
  const { words } = state.esp.records;
  const esp: EspItem[] = [];
  const ike: IkeItem[] = [];
  let found = 0;
  state.esp.forEach((record) => {
    const row = record * ESP_RECORD_WORDS;
    const [client, server] = [words[row + EspField.Client], words[row + EspField.Server]];
    const [outSpi, inSpi] = [words[row + EspField.OutSpi], words[row + EspField.InSpi]];
    if (!selection.esp(client, server, outSpi, inSpi, words[row + EspField.State])) return;
    found += 1;
    if (esp.length < ITEMS_MAX) esp.push(espItem(state, record));
  });
  state.ike.forEach((session) => {
    if (!selection.ike(session.client, session.server, session.phase === "established")) return;
    found += 1;
    if (ike.length < ITEMS_MAX) ike.push(ikeItem(state, session));
  });
  const address = subject === undefined ? undefined : parseAddress(subject);
  const losses = state.natLosses().filter(({ client, server }) => {
    return subject === undefined || client === address || server === address;
  });
  const decisions = state.decisions.latest((decision) => selection.decision(decision));
  const decisionsMax = subject === undefined ? DECISIONS_SHOWN : DECISIONS_MAX;
  return {
    subject,
    esp,
    ike,
    losses: losses.map((loss) => lossItem(loss, state.nowMs())),
    decisions: decisions.slice(0, decisionsMax).map((decision) => decisionItem(state, decision)),
    left_out: found - esp.length - ike.length,
  };
}
