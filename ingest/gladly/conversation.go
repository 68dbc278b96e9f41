package gladly

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/schemas"
)

// conversation is what GET /conversations/{id} says, as far as it matters. One that was merged into another is answered by a
// redirection there.
type conversation struct {
	ID      string `json:"id"`
	Closed  string `json:"closedAt"`
	InboxID string `json:"inboxId"`
	Status  string `json:"status"` // OPEN, WAITING, CLOSED
}

// item is one thing that was said in a conversation.
type item struct {
	Content struct {
		Type string `json:"type"`
	} `json:"content"`
}

// itemChannels are the channels that items were said in; notes, topics and changes of status were said in none.
var itemChannels = map[string]string{
	"CHAT_MESSAGE": "CHAT", "EMAIL": "EMAIL", "SMS": "SMS", "PHONE_CALL": "PHONE_CALL", "VOICEMAIL": "VOICEMAIL", "FACEBOOK_MESSAGE": "FB_MESSENGER",
	"WHATSAPP": "WHATSAPP", "INSTAGRAM_DIRECT": "INSTAGRAM_DIRECT", "TWITTER": "TWITTER",
}

// teller takes what events say of contacts and conversations, from the stream and from the webhook.
type teller struct {
	*source
	book   *book
	asking context.Context //nolint:containedctx // of the vendor's answers, where somebody waits; nil: as long as it takes
}

// errSlow is the error of a call whose answer is not waited for any longer.
var errSlow = errors.New("the answer takes too long")

// get reads a JSON answer while there is time.
func (c *teller) get(ctx context.Context, path string, into any) error {
	within := ctx
	if c.asking != nil {
		within = c.asking
	}
	_, err := c.client.get(within, path, into)
	if err != nil && ctx.Err() == nil && within.Err() != nil {
		return fmt.Errorf("%s: %w", path, errSlow)
	}
	return err
}

// take takes an event in. The problem is "" or what is wrong with it.
func (c *teller) take(ctx context.Context, r *flow.Read, e *event) (problem string, err error) {
	switch {
	case e.is("CONTACT"):
		if err := c.fill(ctx, e); err != nil {
			return "", err
		}
		return c.book.event(ctx, r, e)
	case string(e.kind) == "CONVERSATION/CLOSED" || string(e.kind) == "CONVERSATION/REOPENED":
		return "", c.conversation(ctx, r, string(e.conversationID))
	}
	return "", nil
}

// conversation asks how a conversation is, where a contact of it is still open: closing it ends its contacts. The answer counts, and not
// the event, which may come late and out of order.
func (c *teller) conversation(ctx context.Context, r *flow.Read, id string) error {
	if id == "" || !c.book.waits(id) {
		return nil
	}
	found, err := c.ask(ctx, id)
	if found == nil {
		return err
	}
	closed, ok := instant([]byte(found.Closed))
	if !ok || found.Status != "CLOSED" {
		closed = schemas.Null // reopened: the old end does not count
	}
	return c.book.close(ctx, r, id, closed)
}

// ask fetches a conversation; nil for one that the vendor does not know (any more).
func (c *teller) ask(ctx context.Context, id string) (*conversation, error) {
	found := new(conversation)
	err := c.get(ctx, "conversations/"+url.PathEscape(id), found)
	if s := status(err); s == http.StatusNotFound || s == http.StatusMovedPermanently {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}

// fill asks for queue and channel where the start of a contact does not name them.
func (c *teller) fill(ctx context.Context, e *event) error {
	if string(e.kind) != "CONTACT/STARTED" || len(e.conversationID) == 0 || len(e.context.inboxID) > 0 && len(e.channel) > 0 || c.book.knows(e) {
		return nil
	}
	id := string(e.conversationID)
	if len(e.context.inboxID) == 0 {
		found, err := c.ask(ctx, id)
		if err != nil {
			return err
		}
		if found != nil {
			e.context.inboxID = []byte(found.InboxID)
		}
	}
	if len(e.channel) > 0 {
		return nil
	}
	var items []item
	err := c.get(ctx, "conversations/"+url.PathEscape(id)+"/items", &items)
	if err != nil && status(err) != http.StatusNotFound && status(err) != http.StatusMovedPermanently {
		return err
	}
	for _, i := range items {
		if channel, ok := itemChannels[i.Content.Type]; ok {
			e.channel = []byte(channel)
			break
		}
	}
	return nil
}
