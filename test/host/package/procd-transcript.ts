// SPDX-License-Identifier: GPL-2.0-only
// What the stand-in for procd wrote down (stand-in/rc.common), as data.

export interface Instance {
  readonly name: string;
  /** By parameter, the words behind it. */
  readonly parameters: ReadonlyMap<string, readonly string[]>;
  readonly jail: readonly string[];
}

export interface Transcript {
  /** The service was stopped, before it was started if it was. */
  readonly isStopped: boolean;
  readonly isStarted: boolean;
  readonly instances: readonly Instance[];
  readonly triggers: readonly string[];
  readonly signals: readonly string[];
  readonly changes: readonly string[];
  /** Lines of the data for other services. */
  readonly data: readonly string[];
}

function instancesOf(lines: readonly (readonly string[])[]): Instance[] {
  const instances: { name: string; parameters: Map<string, readonly string[]>; jail: readonly string[] }[] = [];
  for (const [kind, first = "", ...rest] of lines) {
    const last = instances.at(-1);
    if (kind === "instance") instances.push({ name: first, parameters: new Map(), jail: [] });
    else if (kind === "param") last?.parameters.set(first, rest);
    else if (kind === "jail" && last !== undefined) last.jail = [first, ...rest];
  }
  return instances;
}

export function readTranscript(text: string): Transcript {
  const lines = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("|"));
  const of = (kind: string): string[] => lines.filter(([first]) => first === kind).map(([, ...rest]) => rest.join(" "));
  return {
    isStopped: lines.some(([kind]) => kind === "stop"),
    isStarted: lines.some(([kind]) => kind === "triggers"),
    instances: instancesOf(lines),
    triggers: of("trigger"),
    signals: of("signal"),
    changes: of("changed"),
    data: of("json"),
  };
}
