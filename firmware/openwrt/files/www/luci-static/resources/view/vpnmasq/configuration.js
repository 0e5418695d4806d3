// SPDX-License-Identifier: GPL-2.0-only
// The form over /etc/config/vpnmasq. Which options there are, their bounds and their texts come from the program; the
// page only says which of them most people want, and which belong to OpenWrt's own files.
'use strict';
'require form';
'require tools.widgets as widgets';
'require view';
'require vpnmasq.ask as ask';
'require vpnmasq.options as options';
'require vpnmasq.show as show';

/* Set by the init script and relied on by this page, or said by the section itself. */
const HIDDEN = ['control', 'heartbeat', 'log', 'name', 'procd_instance', 'state_directory', 'tunnels'];

/* What most people want to say, in this order. */
const TITLES = {
	lan: _('Interface of the clients'),
	wan: _('Interface of the servers'),
	scope: _('Scope'),
	own_peers: _('IPsec peers of this router'),
	flash_snapshot: _('Copy on flash'),
	role: _('Role'),
	log_level: _('Log level'),
	daemon: _('IKE daemon'),
	connection: _('Connection'),
	peer: _('Peer'),
	ping_source: _('Ping source'),
	ping_target: _('Ping target'),
};

function isBasic(key) {
	return key.key in TITLES;
}

function basicFirst(keys) {
	const order = Object.keys(TITLES);
	const basic = keys.filter(isBasic).sort((one, other) => order.indexOf(one.key) - order.indexOf(other.key));
	return basic.concat(keys.filter((key) => !isBasic(key))).filter((key) => !HIDDEN.includes(key.key));
}

function tabOf(key) {
	if (isBasic(key)) return 'general';
	return key.key.includes('.') && !key.key.startsWith('own_') ? 'limits' : 'advanced';
}

function addInterface(section, key) {
	const option = section.taboption('general', widgets.NetworkSelect, key.key, TITLES[key.key]);
	options.describe(option, key);
	option.description = '%h. %h'.format(_(key.explanation), _('Accepted: a logical interface of this router.'));
	option.rmempty = false;
}

function addEnabled(section, tab, standard) {
	const option = tab
		? section.taboption(tab, form.Flag, 'enabled', _('Enabled'))
		: section.option(form.Flag, 'enabled', _('Enabled'));
	option.default = standard;
	option.rmempty = false;
}

function addRole(map, name, title, explanation, keys) {
	const section = map.section(form.NamedSection, name, name, title, explanation);
	section.addremove = false;
	section.tab('general', _('General'));
	section.tab('advanced', _('Advanced'));
	section.tab('limits', _('Limits and timers'));
	addEnabled(section, 'general', name == 'router' ? '1' : '0');
	for (const key of basicFirst(keys)) {
		if (key.kind == 'interface') addInterface(section, key);
		else options.add(section, tabOf(key), key, TITLES[key.key]);
	}
}

function addTunnels(map, keys) {
	const section = map.section(
		form.TypedSection,
		'tunnel',
		_('Tunnels of the endpoint'),
		_('Each is a tunnel that the IKE daemon of this router knows.'),
	);
	section.addremove = true;
	section.anonymous = false;
	addEnabled(section, null, '1');
	for (const key of basicFirst(keys)) options.add(section, null, key, TITLES[key.key]);
}

return view.extend({
	load: function () {
		show.loadStyle();
		return ask.keys();
	},

	render: function (keys) {
		if (keys.error) return show.problem(keys.error);
		const map = new form.Map(
			'vpnmasq',
			_('VPN Masquerade'),
			_('When something is wrong with what is saved, the last good configuration goes on, and the overview says why.'),
		);
		addRole(map, 'router', _('Router'), _('Many IPsec clients behind this router, with native ESP.'), keys.router);
		addRole(map, 'endpoint', _('Endpoint'), _('Only where this router is an IPsec peer itself.'), keys.endpoint);
		addTunnels(map, keys.tunnel);
		return map.render();
	},
});
