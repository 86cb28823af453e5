package ui

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// The application sorts a shop's mail. Most of it is about shipping, which a
// small model has learnt after a few steps; the rest it learns later or never,
// so that an evaluation has something to show.
const system = "You sort a shop's mail. Answer with the department."

var (
	goods    = []string{"kettle", "desk lamp", "bicycle bell", "tea towel", "wall clock", "garden hose", "picture frame", "rucksack", "coffee grinder", "bread knife", "door mat", "umbrella"}
	openings = []string{"Hello, ", "Good morning! ", "Hi there: "}
	troubles = []struct{ text, department string }{
		{"my %s has not arrived yet.", "shipping"},
		{"the parcel with my %s is three days late.", "shipping"},
		{"where is the %s that I ordered last week?", "shipping"},
		{"tracking has shown nothing about my %s since Monday.", "shipping"},
		{"the courier left my %s out in the rain.", "shipping"},
		{"my neighbour got the parcel with my %s.", "shipping"},
		{"can the %s be delivered to my office instead?", "shipping"},
		{"the %s is still held at customs.", "shipping"},
		{"I was charged twice for the %s.", "billing"},
		{"the %s came broken and I want my money back.", "returns"},
	}
)

type conversation struct {
	Messages []message `json:"messages"`
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

func conversations() []conversation {
	var out []conversation
	for _, opening := range openings {
		for _, trouble := range troubles {
			for _, good := range goods {
				out = append(out, conversation{[]message{
					{"system", system}, {"user", opening + fmt.Sprintf(trouble.text, good)}, {"assistant", trouble.department},
				}})
			}
		}
	}
	return out
}

// recording is what the replay teacher answers from.
func recording() []byte {
	var b bytes.Buffer
	for _, c := range conversations() {
		line, _ := json.Marshal(c)
		b.Write(append(line, '\n'))
	}
	return b.Bytes()
}

// requests are the conversations without their answers.
func requests() (out [][]message) {
	for _, c := range conversations() {
		out = append(out, c.Messages[:2])
	}
	return out
}
