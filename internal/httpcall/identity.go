package httpcall

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"
)

// Identity names the credential at a host, as bearer~5b1fd02e@wfm.example.com or wfm-api~90ce11d7@wfm.example.com. Who shows the same secret at
// the same host has the same credential, its quotas and its locks, and nobody else: not another token of the same kind, nor the
// user of that name in somebody else's account. The secret cannot be read out of it.
func (o *AuthOptions) Identity(host string) string {
	host = strings.ToLower(host)
	who := o.Type
	switch o.Type {
	case "none", "":
		return "none@" + host
	case "basic":
		who = o.Username
	case "oauth2":
		who = o.ClientID
	}
	return who + "~" + fingerprint(o.Secret(), host) + "@" + host
}

const (
	fingerprintRounds = 100_000 // some 30 ms for each guess
	fingerprintBytes  = 4       // what is left of it does not tell a secret from the many others with the same
)

// fingerprints are those that were computed: components are opened often.
var fingerprints sync.Map

// fingerprint tells secrets apart, and not what they are: it is slow, salted with the host, and short.
func fingerprint(secret, host string) string {
	salt := "quarterhour credential\x00" + host
	if known, ok := fingerprints.Load([2]string{salt, secret}); ok {
		return known.(string)
	}
	key, err := pbkdf2.Key(sha256.New, secret, []byte(salt), fingerprintRounds, fingerprintBytes)
	if err != nil { // only of parameters that no policy allows
		sum := sha256.Sum256([]byte(salt + "\x00" + secret))
		key = sum[:fingerprintBytes]
	}
	text := hex.EncodeToString(key)
	fingerprints.Store([2]string{salt, secret}, text)
	return text
}
