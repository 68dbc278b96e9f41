package gladly_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator/gladly"
)

func TestConversations(t *testing.T) {
	v := open(t, gladly.Options{})
	v.watch.set(v.centre.From.Add(23 * time.Hour))
	closed := map[string]line{}
	var first line
	for _, l := range v.lines(v.centre.From, time.Time{}, "CONVERSATION") {
		if l.Type == "CONVERSATION/CREATED" && first.ID == "" {
			first = l
		}
		if l.Type == "CONVERSATION/CLOSED" {
			closed[l.Content.ConversationID] = l
		}
	}
	id := first.Content.ConversationID
	_, body := v.expect(http.StatusOK, `"status":"CLOSED"`, "GET", "/conversations/"+id, nil)
	var c struct {
		ID, CustomerID, InboxID    string
		CreatedAt, ClosedAt        time.Time
		TopicIDs, CustomAttributes []any
	}
	if err := json.Unmarshal([]byte(body), &c); err != nil {
		t.Fatal(err)
	}
	if d := first.Timestamp.Sub(c.CreatedAt); c.ID != id || c.InboxID == "" || d < 0 || d > 13*time.Second || c.TopicIDs == nil || c.CustomAttributes == nil || strings.Contains(body, "channel") {
		t.Errorf("conversation %s", body)
	}
	if d := closed[id].Timestamp.Sub(c.ClosedAt); d < 0 || d > 13*time.Second {
		t.Errorf("closed at %v, told at %v", c.ClosedAt, closed[id].Timestamp)
	}
	_, items := v.expect(http.StatusOK, `"type":"CUSTOMER_ACTIVITY"`, "GET", "/conversations/"+id+"/items", nil)
	if !strings.Contains(items, `"type":"CHAT_MESSAGE"`) && !strings.Contains(items, `"type":"SMS"`) {
		t.Errorf("items %s", items)
	}
	v.expect(http.StatusNotFound, `"not_exist"`, "GET", "/conversations/nothing", nil)
	v.expect(http.StatusNotFound, `"not_exist"`, "GET", "/conversations/nothing/items", nil)
	v.expect(http.StatusOK, c.CustomerID, "GET", "/customers/"+c.CustomerID, nil)
	v.watch.set(c.CreatedAt.Add(-time.Second))
	v.expect(http.StatusNotFound, "", "GET", "/conversations/"+id, nil)
	v.watch.set(c.CreatedAt.Add(time.Millisecond))
	_, body = v.expect(http.StatusOK, `"status":"OPEN"`, "GET", "/conversations/"+id, nil)
	if strings.Contains(body, "closedAt") || strings.Contains(body, "agentId") {
		t.Errorf("at its beginning: %s", body)
	}
}

func TestMerges(t *testing.T) {
	v := open(t, gladly.Options{Merges: 20, Host: "/gladly"})
	v.watch.set(v.centre.From.Add(23 * time.Hour))
	_, body := v.expect(http.StatusOK, "CUSTOMER/MERGED", "GET", query(v.centre.From, time.Time{}, "CUSTOMER"), nil)
	line, _, _ := strings.Cut(body, "\n")
	var e struct {
		Content struct{ SourceCustomerID, SourceConversationID, DestinationCustomerID, DestinationConversationID string }
	}
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		t.Fatal(err)
	}
	f := func(from, to string) {
		t.Helper()
		v.watch.add(time.Second)
		a, _ := v.expect(http.StatusMovedPermanently, `"moved"`, "GET", from, nil)
		if got := a.Header.Get("Location"); got != "/gladly/api/v1"+to {
			t.Errorf("%s moved to %q, want %q", from, got, to)
		}
		v.expect(http.StatusOK, "", "GET", to, nil)
	}
	f("/conversations/"+e.Content.SourceConversationID, "/conversations/"+e.Content.DestinationConversationID)
	f("/conversations/"+e.Content.SourceConversationID+"/items", "/conversations/"+e.Content.DestinationConversationID+"/items")
	f("/customers/"+e.Content.SourceCustomerID, "/customers/"+e.Content.DestinationCustomerID)
}
