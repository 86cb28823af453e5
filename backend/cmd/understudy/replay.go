package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"understudy.dev/backend/internal/play"
	"understudy.dev/service/child"
	"understudy.dev/service/serve"
)

func (a *app) replayCommand() *cobra.Command {
	var recording, listen string
	pace := 1.0
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Serve the replay teacher: an LLM's stand-in that answers from a recording",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			child.DieWithParent(nil)
			list, err := play.LoadRecording(recording)
			if err != nil {
				return fmt.Errorf("the recording: %w", err)
			}
			ln, err := serve.Listen(listen)
			if err != nil {
				return err
			}
			fmt.Fprintf(a.err, "replaying %s on http://%s\n", filepath.Base(recording), ln.Addr())
			return serve.HTTP(cmd.Context(), ln, play.NewTeacher(list, pace).Handler(), 5*time.Second)
		},
	}
	cmd.Flags().StringVar(&recording, "recording", "", "conversations in OpenAI's fine-tuning format (JSONL)")
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "address")
	cmd.Flags().Float64Var(&pace, "pace", 1, "scales the delay; 0 = none")
	_ = cmd.MarkFlagRequired("recording")
	return cmd
}
