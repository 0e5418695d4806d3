// SPDX-License-Identifier: GPL-2.0-only
// What was decided about a client, a server, an SPI or a tunnel, on what evidence, and what happens next and when.
'use strict';
'require dom';
'require view';
'require vpnmasq.ask as ask';
'require vpnmasq.show as show';

function item(title, lines) {
	return E('div', { class: 'vpnmasq-item' }, [E('strong', {}, [title]), show.facts(lines)]);
}

function state(one) {
	return [show.phase(one), ' ', _('%s old, last packet %s').format(show.duration(one.age_ms), show.ago(one.idle_ms))];
}

function espItem(one) {
	const title = _('ESP %s > %s, out %s, in %s').format(
		one.client,
		one.server,
		one.out_spi || _('unknown'),
		one.in_spi || _('unknown'),
	);
	return item(title, [
		[_('State'), state(one)],
		[_('Evidence'), one.evidence],
		[_('Next'), one.next],
	]);
}

function ikeItem(one) {
	const title = 'IKEv%d %s > %s, %s'.format(one.version, one.client, one.server, one.initiator_cookie);
	return item(title, [
		[_('State'), state(one)],
		[_('Evidence'), one.evidence],
		[_('Next'), one.next],
	]);
}

function lossItem(loss) {
	return item(_('Way back %s > %s').format(loss.client, loss.server), [
		[_('State'), [show.badge('bad', loss.phase), ' ', show.duration(loss.since_ms)]],
		[_('Evidence'), loss.evidence],
		[_('Next'), _('in %s: %s').format(show.duration(loss.ends_in_ms), loss.next)],
	]);
}

function decisions(list) {
	const titles = [_('When'), _('What'), _('About'), _('Why'), _('Times')];
	const about = (one) => [one.client, one.server, one.spi].filter((part) => part).join(' ');
	const why = (one) => (one.text ? '%s: %s'.format(one.meaning, one.text) : one.meaning);
	const rows = list.map((one) => [
		show.ago(one.age_ms),
		E('code', {}, [one.reason]),
		about(one),
		why(one),
		'%d'.format(one.count),
	]);
	return show.section(
		_('Decided lately, the last first'),
		show.table(titles, rows, _('Nothing was decided about it lately.')),
	);
}

function introduction(report) {
	const count = report.esp.length + report.ike.length + report.losses.length;
	if (!report.subject)
		return count
			? _('Out of the ordinary now:')
			: _('Nothing is out of the ordinary: nobody waits, and no SPI has more than one owner.');
	return count || report.decisions.length
		? _('What is known of %s:').format(report.subject)
		: _('Nothing is known of %s.').format(report.subject);
}

function routerReport(report) {
	const nodes = [E('p', {}, [introduction(report)])];
	nodes.push(...report.losses.map(lossItem), ...report.ike.map(ikeItem), ...report.esp.map(espItem));
	if (report.left_out) nodes.push(E('p', {}, [_('and %d more, see the tables').format(report.left_out)]));
	nodes.push(decisions(report.decisions));
	return nodes;
}

function tunnelReport(tunnel) {
	const titles = [_('When'), _('State'), _('What')];
	const rows = tunnel.events.map((event) => [show.ago(event.age_ms), event.state, event.text]);
	return [
		E('p', {}, [_('What happened to the tunnel %s, the last first:').format(tunnel.name)]),
		show.table(titles, rows, _('Nothing has happened to it yet.')),
	];
}

/* What is no address and no SPI may be the name of a tunnel, which the endpoint knows. */
function explain(subject) {
	return ask.explain(subject).then((report) => {
		if (!report.error) return routerReport(report);
		if (!subject) return [show.problem(report.error)];
		return ask.tunnel(subject).then((tunnel) => (tunnel.error ? [show.problem(report.error)] : tunnelReport(tunnel)));
	});
}

return view.extend({
	handleSaveApply: null,
	handleSave: null,
	handleReset: null,

	load: function () {
		show.loadStyle();
		this.asked = new URLSearchParams(window.location.search).get('subject') || '';
		return explain(this.asked);
	},

	render: function (nodes) {
		const input = E('input', {
			id: 'vpnmasq-subject',
			type: 'text',
			class: 'cbi-input-text',
			value: this.asked,
			autocomplete: 'off',
			placeholder: _('all that is out of the ordinary'),
		});
		const content = E('div', { class: 'cbi-section', 'aria-live': 'polite' }, nodes);
		const submit = (event) => {
			event.preventDefault();
			return explain(input.value.trim()).then((fresh) => dom.content(content, fresh));
		};
		return E('div', { class: 'cbi-map' }, [
			E('h2', {}, [_('Explain')]),
			E('form', { class: 'vpnmasq-tools', submit }, [
				E('label', { for: 'vpnmasq-subject' }, [_('Client, server, SPI or tunnel')]),
				input,
				E('button', { class: 'btn cbi-button cbi-button-action', type: 'submit' }, [_('Explain')]),
			]),
			content,
		]);
	},
});
