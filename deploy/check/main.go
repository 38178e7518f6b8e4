// Checks deployment files with the parsers of Compose and of BuildKit, without an engine.
//
//	check compose FILE           loads it as `docker compose config` does, with all profiles
//	check dockerfile FILE        lints it as `docker build --check` does; base images are not looked at
//	check context IGNORE FOLDER  prints the files that a build context would hold
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/opencontainers/go-digest"
)

func main() {
	var err error
	switch {
	case len(os.Args) == 3 && os.Args[1] == "compose":
		err = compose(os.Args[2])
	case len(os.Args) == 3 && os.Args[1] == "dockerfile":
		err = dockerfile(os.Args[2])
	case len(os.Args) == 4 && os.Args[1] == "context":
		err = buildContext(os.Args[2], os.Args[3])
	default:
		err = errors.New("usage: check compose FILE | dockerfile FILE | context IGNORE FOLDER")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func compose(file string) error {
	options, err := cli.NewProjectOptions([]string{file}, cli.WithProfiles([]string{"*"}), cli.WithOsEnv)
	if err != nil {
		return err
	}
	_, err = options.LoadProject(context.Background())
	return err
}

// Says of every base image that it exists and sets nothing.
type anyImage struct{}

func (anyImage) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return ref, "", []byte(`{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/usr/bin:/bin"]}}`), nil
}

func dockerfile(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	found, err := dockerfile2llb.DockerfileLint(context.Background(), text, dockerfile2llb.ConvertOpt{
		MetaResolver: anyImage{},
		SourceMap:    &llb.SourceMap{Definition: &llb.Definition{}, Filename: file, Data: text},
	})
	if err != nil {
		return err
	}
	var all []error
	for _, w := range found.Warnings {
		all = append(all, fmt.Errorf("%s: %s: %s", file, w.RuleName, w.Detail))
	}
	if found.Error != nil {
		all = append(all, fmt.Errorf("%s: %s", file, found.Error.Message))
	}
	return errors.Join(all...)
}

func buildContext(ignore, folder string) error {
	file, err := os.Open(ignore)
	if err != nil {
		return err
	}
	defer file.Close()
	patterns, err := ignorefile.ReadAll(file)
	if err != nil {
		return err
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return err
	}
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name == ".git" || name == "target" {
				return fs.SkipDir
			}
			return nil
		}
		ignored, err := matcher.MatchesOrParentMatches(name)
		if err == nil && !ignored {
			fmt.Println(name)
		}
		return err
	})
}
