// SPDX-License-Identifier: GPL-2.0-only
// A stand-in for LuCI's ui: only what begins a page.
'use strict';
'require baseclass';

return baseclass.extend({
	instantiateView: function (path) {
		return L.require('view.' + path.replaceAll('/', '.'));
	},
});
