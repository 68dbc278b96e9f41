package five9

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A tag says who a person is in place of the address, where the domain keeps that in another attribute.
func TestTag(t *testing.T) {
	f := func(option, want string) {
		t.Helper()
		s := newScript(t)
		s.on("getCallCountersState", "")
		s.on("getUsersGeneralInfo", "<return><EMail>team@x.com</EMail><extension>4711</extension><federationId>F1</federationId><id>1</id>"+
			"<osLogin>ACME\\jane</osLogin><userName>jane</userName></return>")
		if err := s.drain("streams: {users: {" + option + "}}\n"); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, w := range s.out.workers {
			got = append(got, w.Email+" "+w.Tag)
		}
		if diff := cmp.Diff([]string{"team@x.com " + want}, got); diff != "" {
			t.Errorf("%s\n%s", option, diff)
		}
	}
	f("", "")
	f("tag: none", "")
	f("tag: federationId", "f1")
	f("tag: osLogin", `acme\jane`)
	f("tag: userName", "jane")
	f("tag: extension", "4711")
}
