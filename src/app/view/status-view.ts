// SPDX-License-Identifier: GPL-2.0-only
// `vpnmasq status` as a person reads it.

import { reloadText } from "./reload-text";
import type { LinkStatus, StatusReport } from "../report/status-report";
import { formatDuration } from "../text/duration";
import { displayWidth, hang, pad } from "../text/layout";
import { formatBytes, formatCount } from "../text/quantity";
import { alarm, heading } from "./style";

const LABEL_COLUMNS = 9;
const NAME_COLUMNS = 8;
const ADDRESS_COLUMNS = 17;

function labelled(label: string, text: string): string[] {
  return hang(label, text, LABEL_COLUMNS);
}

function linkLines(label: string, link: LinkStatus): string[] {
  if (!link.present) return labelled(label, `${link.name}: there is no such interface`).map((line) => alarm(line));
  const state = link.up ? "up" : "down";
  const name = pad(link.name, NAME_COLUMNS, "left");
  const place = `${pad(label, LABEL_COLUMNS, "left")}${name}${pad(link.address ?? "no address", ADDRESS_COLUMNS, "left")}`;
  const bytes = `in ${formatBytes(link.bytes_in)}, out ${formatBytes(link.bytes_out)}`;
  const lost = link.dropped === 0 ? "" : `, ${formatCount(link.dropped, "frame")} lost`;
  const lines = hang(place, `${state}, MTU ${link.mtu_bytes}, ${bytes}${lost}`, displayWidth(place));
  return link.up && link.address !== undefined ? lines : lines.map((line) => alarm(line));
}

function restoredText({ restored }: StatusReport): string {
  if (restored.source === "none")
    return "no snapshot was found: tunnels older than that are learned from their packets";
  const what = `${formatCount(restored.esp, "ESP item")} and ${formatCount(restored.ike, "IKE session")}`;
  return `restored ${what} from the ${restored.source === "journal" ? "journal" : "copy on flash"}`;
}

function reloadLines(reload: StatusReport["reload"]): string[] {
  if (reload === undefined) return [];
  const lines = labelled("Reload", reloadText(reload));
  for (const message of reload.messages) lines.push(...labelled("", message));
  return reload.ok ? lines : lines.map((line) => alarm(line));
}

function tableLines({ esp, ike, flows }: StatusReport): string[] {
  const phases = `${esp.established} established, ${esp.outstanding} outstanding, ${esp.waiting} waiting`;
  const lines = [
    ...labelled("IKE", `${ike.total} of ${ike.capacity} sessions`),
    ...labelled("ESP", `${esp.total} of ${esp.capacity} items: ${phases}`),
  ];
  if (flows !== undefined) lines.push(...labelled("Flows", `TCP ${flows.tcp}, UDP ${flows.udp}, ICMP ${flows.icmp}`));
  return lines;
}

function offloadLines({ offload }: StatusReport): string[] {
  const { lan, wan, entries, packets, bytes, refusal } = offload;
  const isSame = lan.place === wan.place && lan.reason === wan.reason;
  const sides: [string, StatusReport["offload"]["lan"]][] = isSame
    ? [["", lan]]
    : [
        ["LAN ", lan],
        ["WAN ", wan],
      ];
  const lines = sides.flatMap(([name, { place, reason }], index) => {
    const why = reason === "" ? "" : ` (${reason})`;
    return labelled(
      index === 0 ? "Offload" : "",
      place === undefined ? `${name}none: ${reason}` : `${name}${place}${why}`,
    );
  });
  if (lan.place === undefined && wan.place === undefined) return lines;
  const done = `${formatCount(packets, "packet")}, ${formatBytes(bytes)} so far`;
  lines.push(...labelled("", `${formatCount(entries, "direction")} of tunnels; ${done}`));
  if (refusal !== undefined) lines.push(...labelled("", `last entry refused: ${refusal}`));
  return lines;
}

export function statusView(status: StatusReport): string[] {
  const { version, uptime_ms, scope, resident_bytes, held_packets, fragmented_datagrams } = status;
  const memory = formatBytes(resident_bytes);
  const held = `${formatCount(held_packets, "packet")}, ${formatCount(fragmented_datagrams, "datagram")} in fragments`;
  const notes = status.restored.notes.map((note) => labelled("", note));
  return [
    heading(`vpnmasq ${version}, scope ${scope}, up for ${formatDuration(uptime_ms)}, ${memory} of memory`),
    ...linkLines("LAN", status.lan),
    ...linkLines("WAN", status.wan),
    ...tableLines(status),
    ...labelled("Held", held),
    ...labelled("Kernel", status.kernel_rules),
    ...offloadLines(status),
    ...labelled("Start", restoredText(status)),
    ...notes.flat(),
    ...labelled("Config", status.configuration),
    ...status.notes.flatMap((note) => labelled("", note)).map((line) => alarm(line)),
    ...reloadLines(status.reload),
  ];
}
