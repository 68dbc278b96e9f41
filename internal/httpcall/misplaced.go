package httpcall

import (
	"errors"
	"net/http"
	"slices"
)

// Misplaced is for Request.Judge where an address takes all there is to send: the failure of an answer that says that nothing takes such
// requests there, which is a redirect, 404, 405, 407 (of a proxy), 410, 415 or 501; nil of any other. What is sent is not to blame, nor is the
// credential: the address is to be set right.
func Misplaced(status int) *Error {
	if status >= 300 && status < 400 || slices.Contains(elsewhere, status) {
		return &Error{Kind: Permanent, Misplaced: true, Err: errors.New("nothing takes these requests there: check url, path and method")}
	}
	return nil
}

var elsewhere = []int{
	http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusProxyAuthRequired, http.StatusGone, http.StatusUnsupportedMediaType, http.StatusNotImplemented,
}

// unsigned marks the error of a request that could not be signed, as where there is nothing at the address of tokens: what was to be sent is not
// to blame.
func unsigned(err error) error {
	var failed *Error
	if errors.As(err, &failed) && failed.Kind == Permanent {
		again := *failed
		again.Misplaced = true
		return &again
	}
	return err
}
