package platform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// TinyConversations are few and their answer is always the same: a tiny model
// learns it in a few steps.
const TinyConversations = 120

// Tiny returns the messages of the i-th conversation, over and over.
func Tiny(i int) []json.RawMessage {
	i %= TinyConversations
	return []json.RawMessage{
		json.RawMessage(`{"role":"system","content":"Acknowledge the note."}`),
		json.RawMessage(fmt.Sprintf(`{"role":"user","content":"%s %s"}`, things[i%len(things)], places[i/len(things)])),
	}
}

var things = strings.Fields("apples rivers stones clouds papers trains candles windows gardens mirrors bottles ladders")

var places = []string{"in the hall", "by the door", "near the sea", "under the roof", "at the gate", "on the hill", "behind the barn", "over the bridge", "beside the road", "within the wall"}

// TinyRecording is what a replay teacher answers them from.
func TinyRecording() []byte {
	var b bytes.Buffer
	for i := range TinyConversations {
		m := Tiny(i)
		fmt.Fprintf(&b, `{"messages":[%s,%s,{"role":"assistant","content":"noted"}]}`+"\n", m[0], m[1])
	}
	return b.Bytes()
}
