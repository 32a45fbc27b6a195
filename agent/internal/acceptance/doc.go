// Package acceptance tests the program as its users have it: the real binary,
// spoken to as an editor does, against what decides on a real instance.
//
// There are four suites, each behind a build tag, since each wants a program that
// not every machine has:
//
//   - doorkeeper: GitLab's own OAuth library in a small Rails application (see
//     testdata/doorkeeper), alone and behind an nginx that speaks TLS, and the
//     program's relay behind another. Needs Ruby and nginx.
//   - browser: a sign-in with Chromium, for what only a browser knows: the
//     address bar, the history, the console, and how the page looks. Leaves
//     pictures of the page in out/.
//   - network: a squid that wants a password, a tinyproxy that lets nobody through,
//     and an nginx that speaks TLS, wants client certificates, or has one that should
//     not be trusted; and the nginx.conf that comes with the relay.
//   - keyring: GNOME Keyring on a D-Bus of its own, for what happens to secrets
//     when a keyring is there, is locked, forgets, or hangs.
//
// $CODESTREAM_AGENT names the binary to test, by its absolute path. Without it
// the suites build one.
//
// Start at TestSignIn, at TestCallbackPage, at TestThroughAProxy and at
// TestTheKeyringHasTheKey.
package acceptance
