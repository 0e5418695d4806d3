// SPDX-License-Identifier: GPL-2.0-only
// What a reload changes of a running endpoint.

import type { EndpointConfiguration, TunnelConfiguration } from "./endpoint-configuration";
import { ENDPOINT_KEYS } from "./endpoint-keys";

/** The fresh configuration with what only a restart may change taken from the running one. */
export function takeLiveEndpointKeys(
  running: EndpointConfiguration,
  fresh: EndpointConfiguration,
): EndpointConfiguration {
  const effective: Record<string, unknown> = { ...fresh.effective };
  for (const { key, isLive } of ENDPOINT_KEYS) if (!isLive) effective[key] = running.effective[key];
  return { ...fresh, control: running.control, log: running.log, effective };
}

/** Whether a tunnel goes on as it is: all that concerns it is equal, timers too. */
export function isSameTunnel(one: TunnelConfiguration, other: TunnelConfiguration): boolean {
  return isEqual(one, other);
}

function isEqual(one: unknown, other: unknown): boolean {
  if (type(one) !== "table" || type(other) !== "table") return one === other;
  return hasAllOf(one as object, other as object) && hasAllOf(other as object, one as object);
}

function hasAllOf(one: object, other: object): boolean {
  for (const [key, value] of pairs(other as LuaTable<AnyNotNil, unknown>)) {
    if (!isEqual((one as LuaTable<AnyNotNil, unknown>).get(key), value)) return false;
  }
  return true;
}
