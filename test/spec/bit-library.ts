// SPDX-License-Identifier: GPL-2.0-only
// Makes `bit` global, as it is in LuaJIT, from lua-bitop on PUC Lua 5.1: the helper that busted loads before any spec.

declare function require(name: string): unknown;

(_G as unknown as Record<string, unknown>).bit = require("bit");
