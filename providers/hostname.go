package providers

import (
	"errors"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// NormalizeHost returns the one spelling of a host, which is a name or an IP address
// without brackets: in lower case, without the dot at the end of a full name, and in
// ASCII. An international name takes the form in which it is looked up, as package
// net/http does before it connects (RFC 5891 section 5, UTS #46): so it cannot pass
// for another in another script, and a host has no second name in letters that are
// taken for its own. Its error says what is wrong with the host.
func NormalizeHost(host string) (string, error) {
	if !isASCII(host) {
		ascii, err := idna.Lookup.ToASCII(host)
		if err != nil || !utf8.ValidString(host) {
			return "", errForeign
		}
		host = ascii
	}
	host = strings.ToLower(strings.TrimRight(host, "."))
	if ip, err := netip.ParseAddr(host); err == nil && isHostName(ip.Zone()) {
		return ip.Unmap().String(), nil
	}
	switch {
	case host == "":
		return "", errNoHost
	case !isHostName(host):
		return "", errForeign
	case endsInNumber(host):
		return "", errNumber
	}
	return host, nil
}

var (
	errNoHost  = errors.New("it has no host")
	errForeign = errors.New("its host name has a character that belongs in none")
	errNumber  = errors.New("its host is neither a name nor an IP address as it is usually written")
)

// sameHost reports whether two spellings are of one host.
func sameHost(a, b string) bool {
	if strings.EqualFold(a, b) {
		return true
	}
	x, errX := NormalizeHost(a)
	y, errY := NormalizeHost(b)
	return errX == nil && errY == nil && x == y
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
}

// isHostName reports whether a name in ASCII is made of what host names are made of.
// net/url lets more pass, such as quotes and escaped control characters.
func isHostName(name string) bool {
	return isASCII(name) && !strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-._", r)
	})
}

// endsInNumber reports whether a host that is no IP address is taken for one all the
// same by what looks names up on some systems, such as 127.1 or 0x7f000001.
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	hex, isHex := strings.CutPrefix(last, "0x")
	return strings.Trim(last, "0123456789") == "" || isHex && strings.Trim(hex, "0123456789abcdef") == ""
}
