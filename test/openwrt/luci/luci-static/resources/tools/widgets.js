// SPDX-License-Identifier: GPL-2.0-only
// A stand-in for LuCI's tools.widgets: the choice of a logical interface.
'use strict';
'require baseclass';
'require form';
'require rpc';

const dump = rpc.declare({ object: 'network.interface', method: 'dump', expect: { interface: [] } });

return baseclass.extend({
	NetworkSelect: form.ListValue.extend({
		load: function () {
			return dump().then((interfaces) => interfaces.forEach((one) => this.value(one.interface)));
		},
	}),
});
