// SPDX-License-Identifier: GPL-2.0-only
// Options of a form made from the program's own table of keys, so that form and program accept the same.
'use strict';
'require baseclass';
'require form';

/* How each kind of key is asked for, and what LuCI checks of it at once. */
const WIDGETS = {
	flag: { widget: form.Flag },
	choice: { widget: form.ListValue },
	whole: { widget: form.Value, datatype: (key) => 'range(%d,%d)'.format(key.least, key.most) },
	'power of two': { widget: form.Value, datatype: (key) => 'range(%d,%d)'.format(key.least, key.most) },
	path: { widget: form.Value },
	address: { widget: form.Value, datatype: () => 'ip4addr("nomask")' },
	addresses: { widget: form.DynamicList, datatype: () => 'ip4addr("nomask")' },
	networks: { widget: form.DynamicList, datatype: () => 'cidr4' },
	ports: { widget: form.DynamicList, datatype: () => 'port' },
	interface: { widget: form.Value, datatype: () => 'maxlength(15)' },
	other: { widget: form.Value },
};

/* What LuCI has no datatype for. */
const CHECKS = {
	path: (value) => value.startsWith('/') || _('Use an absolute path: it begins with /.'),
	'power of two': (value) => Number.isInteger(Math.log2(value)) || _('Use a power of two.'),
};

function standardText(key) {
	if (key.kind == 'flag') return key.standard ? '1' : '0';
	return key.standard == null || Array.isArray(key.standard) ? null : String(key.standard);
}

return baseclass.extend({
	/* UCI has no dots in names. */
	nameOf: function (key) {
		return key.key.replace(/\./g, '_');
	},

	/* What a key means, accepts and is when nothing is said; the texts are the program's, and in the catalogue. */
	describe: function (option, key) {
		const standard = standardText(key);
		/* Who sees all choices need not read them; an option of UCI is left out where a document has null. */
		const isSeen = key.kind == 'flag' || key.kind == 'choice';
		const accepted = isSeen ? '' : _('Accepted: %s.').format(_(key.accepted.replace(/, or null$/, '')));
		option.description = '%h. %h'.format(_(key.explanation), accepted);
		option.rmempty = key.standard !== undefined;
		option.optional = key.standard !== undefined;
		if (standard == null) return;
		if (key.kind == 'flag' || key.kind == 'choice') option.default = standard;
		else option.placeholder = standard;
	},

	/* Adds the option of a key to a tab of a section; to the section itself when no tab is named. */
	add: function (section, tab, key, title) {
		const { widget, datatype } = WIDGETS[key.kind];
		const name = this.nameOf(key);
		/* The tab says the group. */
		const label = title || name.replace(/^(limits|timers|network)_/, '');
		const option = tab ? section.taboption(tab, widget, name, label) : section.option(widget, name, label);
		this.describe(option, key);
		for (const value of key.values || []) option.value(value);
		if (datatype) option.datatype = datatype(key);
		/* A key that counts only with another one is asked for only then; what was said before stays said. */
		if (key.counts) option.depends(this.nameOf(key.counts), key.counts.is ?? /./);
		option.retain = true;
		const check = CHECKS[key.kind];
		if (check) option.validate = (id, value) => value == '' || check(value);
		return option;
	},
});
