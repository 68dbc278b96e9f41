package file

import (
	"encoding/json"
	"strings"

	"github.com/quarterhour/quarterhour/schemas"
)

// nullables says of each field of a record whether it may be absent.
func nullables(kind string) map[string]bool {
	list := map[string]bool{}
	for _, s := range schemas.All() {
		var schema struct {
			Fields []struct {
				Name string
				Type json.RawMessage
			}
		}
		if s.Name != kind || json.Unmarshal([]byte(s.JSON), &schema) != nil {
			continue
		}
		for _, f := range schema.Fields {
			list[f.Name] = strings.HasPrefix(strings.TrimSpace(string(f.Type)), "[")
		}
	}
	return list
}
