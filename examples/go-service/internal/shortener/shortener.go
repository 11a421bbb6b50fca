// Package shortener gives long addresses short names.
package shortener

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"sync"
)

// NameLength is the number of characters of a short name.
const NameLength = 8

// ErrNotAbsolute is returned for text that is no absolute http or https address.
var ErrNotAbsolute = errors.New("the address must be absolute, with http or https")

// Store keeps the names in memory. It is safe for concurrent use.
type Store struct {
	mutex     sync.RWMutex
	addresses map[string]string
}

// NewStore returns an empty store.
func NewStore() *Store {
	return &Store{addresses: make(map[string]string)}
}

// Shorten returns the name of an address; the same address always has the same name.
func (s *Store) Shorten(address string) (string, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	if (parsed.Scheme != "http" && parsed.Scheme != "https") || parsed.Host == "" {
		return "", ErrNotAbsolute
	}
	sum := sha256.Sum256([]byte(address))
	name := base64.RawURLEncoding.EncodeToString(sum[:])[:NameLength]
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.addresses[name] = address
	return name, nil
}

// Lookup returns the address behind a name.
func (s *Store) Lookup(name string) (string, bool) {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	address, found := s.addresses[name]
	return address, found
}
