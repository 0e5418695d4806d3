// SPDX-License-Identifier: GPL-2.0-only
// Questions to the router and the endpoint, through rpcd. An answer is always an object; what went wrong is its `error`.
'use strict';
'require baseclass';
'require rpc';

/* The longest page that the back end gives. */
const PAGE_ITEMS = 25;

function declare(method, params) {
	const call = rpc.declare({ object: 'vpnmasq', method, params: params || [], reject: true });
	return (...args) => call(...args).catch((problem) => ({ error: String(problem.message || problem) }));
}

return baseclass.extend({
	PAGE_ITEMS,
	health: declare('health'),
	status: declare('status'),
	log: declare('log'),
	keys: declare('keys'),
	table: declare('table', ['table', 'offset', 'limit']),
	tunnels: declare('tunnels', ['offset', 'limit']),
	explain: declare('explain', ['subject']),
	tunnel: declare('tunnel', ['name']),
});
