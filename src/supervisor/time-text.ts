// SPDX-License-Identifier: GPL-2.0-only
// Times for people, where neither Lua's nor JavaScript's library can be counted on: Espruino's Date has no UTC.

const DAY_SECONDS = 86400;

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : `${value}`;
}

/** "59 s", "3 m 5 s", "2 h 0 m". */
export function readableSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} m ${seconds - minutes * 60} s`;
  const hours = Math.floor(minutes / 60);
  return `${hours} h ${minutes - hours * 60} m`;
}

/**
 * "2026-11-23 08:37 UTC", of seconds since 1970.
 *
 * Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days: years begin in March, so that the
 * leap day is a year's last.
 */
export function utcText(wallSeconds: number): string {
  const days = Math.floor(wallSeconds / DAY_SECONDS);
  const minutes = Math.floor((wallSeconds - days * DAY_SECONDS) / 60);
  const hours = Math.floor(minutes / 60);
  const shifted = days + 719468;
  const era = Math.floor(shifted / 146097);
  const dayOfEra = shifted - era * 146097;
  const leapDays = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36524) + Math.floor(dayOfEra / 146096);
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const date = `${year}-${twoDigits(month)}-${twoDigits(day)}`;
  return `${date} ${twoDigits(hours)}:${twoDigits(minutes - hours * 60)} UTC`;
}
