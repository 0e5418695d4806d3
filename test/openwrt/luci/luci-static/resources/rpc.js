// SPDX-License-Identifier: GPL-2.0-only
// A stand-in for LuCI's rpc: declared calls of ubus over HTTP (JSON-RPC 2.0).
'use strict';
'require baseclass';

let lastId = 0;

return baseclass.extend({
	declare: function ({ object, method, params, expect, reject }) {
		return async (...values) => {
			const given = Object.fromEntries(
				(params || []).map((name, at) => [name, values[at]]).filter(([, value]) => value !== undefined),
			);
			lastId += 1;
			const call = { jsonrpc: '2.0', id: lastId, method: 'call', params: [L.env.sessionid, object, method, given] };
			const reply = await fetch(L.env.ubuspath, { method: 'POST', body: JSON.stringify([call]) });
			const [{ result }] = await reply.json();
			if (reject && result[0] !== 0)
				throw new Error('RPC call to %s/%s failed with ubus code %d'.format(object, method, result[0]));
			let answer = result.length > 1 ? result[1] : result[0];
			for (const key of Object.keys(expect || {})) answer = key == '' ? answer : answer[key];
			return answer;
		};
	},
});
