// SPDX-License-Identifier: GPL-2.0-only
// Times as people say them: "0.4 s", "5 s", "2 m 5 s", "3 h 4 m", "2 d 3 h".

const UNITS = [
  { name: "d", seconds: 86400, smaller: "h", smallerSeconds: 3600 },
  { name: "h", seconds: 3600, smaller: "m", smallerSeconds: 60 },
  { name: "m", seconds: 60, smaller: "s", smallerSeconds: 1 },
];

/** At most two units; the part below the smaller one is cut off. */
export function formatDuration(durationMs: number): string {
  const seconds = Math.max(0, durationMs) / 1000;
  if (seconds < 9.95) return string.format("%.1f s", seconds);
  for (const { name, seconds: size, smaller, smallerSeconds } of UNITS) {
    if (seconds < size) continue;
    const whole = Math.floor(seconds / size);
    const rest = Math.floor((seconds - whole * size) / smallerSeconds);
    return rest === 0 ? `${whole} ${name}` : `${whole} ${name} ${rest} ${smaller}`;
  }
  return string.format("%d s", seconds);
}
