package providers

import (
	"net"
	"strings"
)

// IsLoopback reports whether the host of a URL is this machine: localhost (RFC 6761
// section 6.3), or an address of loopback (RFC 1122 section 3.2.1.3, RFC 4291 section
// 2.5.3).
func IsLoopback(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}
