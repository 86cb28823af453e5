package ui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
)

// The application sorts a shop's mail. Most of it is about shipping, which a
// small model has learnt after a few steps. About customs the LLM words its
// answer now so and now so, about broken goods it is of several minds: nobody
// can learn that, and there a model's answer is close to the LLM's or quite
// another, so that an evaluation has something to show.
const system = "You sort a shop's mail. Answer with the department."

var (
	goods    = []string{"kettle", "desk lamp", "bicycle bell", "tea towel", "wall clock", "garden hose", "picture frame", "rucksack", "coffee grinder", "bread knife", "door mat", "umbrella"}
	openings = []string{"Hello, ", "Good morning! ", "Hi there: "}
	troubles = []struct {
		text    string
		answers []string // one of them, by no rule
	}{
		{"my %s has not arrived yet.", []string{"shipping"}},
		{"the parcel with my %s is three days late.", []string{"shipping"}},
		{"where is the %s that I ordered last week?", []string{"shipping"}},
		{"tracking has shown nothing about my %s since Monday.", []string{"shipping"}},
		{"the courier left my %s out in the rain.", []string{"shipping"}},
		{"my neighbour got the parcel with my %s.", []string{"shipping"}},
		{"can the %s be delivered to my office instead?", []string{"shipping"}},
		{"the %s is still held at customs.", []string{"shipping.", "the shipping", "shipping please", "shipping, customs"}},
		{"I was charged twice for the %s.", []string{"billing"}},
		{"the %s came broken and I want my money back.", []string{"returns", "repairs", "warranty", "billing"}},
	}
	moods = []string{"glad", "angry", "tired", "curious", "worried", "amused"}
)

// drawn is one of the answers, always the same to the same question.
func drawn(answers []string, question string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(question))
	return answers[h.Sum32()>>8%uint32(len(answers))]
}

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
				question := opening + fmt.Sprintf(trouble.text, good)
				out = append(out, conversation{[]message{{"system", system}, {"user", question}, {"assistant", drawn(trouble.answers, question)}}})
			}
		}
	}
	return out
}

// unlearnable are conversations whose answers do not follow from what was
// asked: no model passes an exam in them.
func unlearnable() []conversation {
	var out []conversation
	for _, c := range conversations()[:200] {
		question := c.Messages[1].Content
		out = append(out, conversation{[]message{{"system", "Tell the writer's mood."}, {"user", question}, {"assistant", drawn(moods, "mood of "+question)}}})
	}
	return out
}

// recording is what the replay teacher answers from.
func recording() []byte { return lines(conversations()) }

// lines are conversations in OpenAI's fine-tuning format.
func lines(list []conversation) []byte {
	var b bytes.Buffer
	for _, c := range list {
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
