# cc-fleet in fish: made from its commands by `nox -s generate` with shtab; `cc-fleet completion --help` says where it goes.


# Parse current commandline:
# - _shtab_cc_fleet_cmdpath=(sub)command path seen so far
# - _shtab_cc_fleet_npos=number of positional arguments given after it
# - options are skipped based on _shtab_cc_fleet_opts_with_value & _shtab_cc_fleet_commands lists
function _shtab_cc_fleet_scan
  set -g _shtab_cc_fleet_cmdpath ''
  set -g _shtab_cc_fleet_npos 0
  set -l tokens (commandline -opc)
  set -e tokens[1]
  set -l expect_value 0
  for t in $tokens
    if test $expect_value -eq 1
      set expect_value 0
      continue
    end
    switch "$t"
      case '--*=*'
        continue
      case '-*'
        if contains -- $t $_shtab_cc_fleet_opts_with_value
          set expect_value 1
        end
        continue
      case '*'
        if test $_shtab_cc_fleet_npos -eq 0
          set -l candidate $t
          if test -n "$_shtab_cc_fleet_cmdpath"
            set candidate "$_shtab_cc_fleet_cmdpath $t"
          end
          if contains -- $candidate $_shtab_cc_fleet_commands
            set -g _shtab_cc_fleet_cmdpath $candidate
            continue
          end
        end
        set -g _shtab_cc_fleet_npos (math $_shtab_cc_fleet_npos + 1)
    end
  end
end

# Condition helper: true if the current (sub)command path equals the given one.
function _shtab_cc_fleet_using
  _shtab_cc_fleet_scan
  test "$_shtab_cc_fleet_cmdpath" = "$argv"
end

set -g _shtab_cc_fleet_commands apply audit completion demo explain facts plan policy 'policy lint' 'policy show' 'policy init' 'policy schema' 'policy waive' rollback versions
set -g _shtab_cc_fleet_opts_with_value --approved-by --at --baseline --changed-since --color --facts --fail-on --format --group --if-nothing --image --out --output --owner --platform --policy --policy-ref --reason --registry --repo --root --tarballs --target --ticket --until --versions --vsix --write-baseline

complete -c cc-fleet -e
complete -c cc-fleet -f

complete -c cc-fleet -n _shtab_cc_fleet_using -s h -l help -d 'show this help message and exit'
complete -c cc-fleet -n _shtab_cc_fleet_using -l version -d 'show program'"'"'s version number and exit'
complete -c cc-fleet -n '_shtab_cc_fleet_using; and test $_shtab_cc_fleet_npos -eq 0' -a apply -d 'Put this machine right: exactly as a saved plan says, or as one that is shown first'
complete -c cc-fleet -n '_shtab_cc_fleet_using apply' -s h -l help -d 'show this help message and exit'
complete -c cc-fleet -n '_shtab_cc_fleet_using apply' -l root -xka "(__fish_complete_directories)" -d 'change the system that lies below DIR'
complete -c cc-fleet -n '_shtab_cc_fleet_using apply' -l dry-run -d 'say what would be done, and whether the plan still holds; change nothing'
complete -c cc-fleet -n '_shtab_cc_fleet_using apply' -l yes -d 'do not ask'
complete -c cc-fleet -n '_shtab_cc_fleet_using apply' -l tarballs -xka "(__fish_complete_directories)" -d 'install the CLI from npm'"'"'s tarballs in DIR (npm pack makes them), not from a registry; their sha256 is kept in the plan'
complete -c cc-fleet -n '_shtab_cc_fleet_using apply' -l registry -x -d 'install the CLI from this npm registry or mirror'
complete -c cc-fleet -n '_shtab_cc_fleet_using apply' -l vsix -xka "(__fish_complete_path (commandline -ct))" -d 'install the extension from this VSIX, not from a gallery; repeatable'
complete -c cc-fleet -n '_shtab_cc_fleet_using apply' -l policy -xka "(__fish_complete_path (commandline -ct))" -d 'judge by this policy, a file or a packaged name; repeatable, each adds to those before (default: $CC_FLEET_POLICY, /etc/cc-fleet/policy.yaml, the packaged default)'
complete -c cc-fleet -n '_shtab_cc_fleet_using apply' -l group -x -d 'the machine is in this group, besides those that the policy tells; repeatable'
complete -c cc-fleet -n '_shtab_cc_fleet_using apply' -l format -xka "text json" -d format
complete -c cc-fleet -n '_shtab_cc_fleet_using apply' -l color -xka "auto always never" -d color
complete -c cc-fleet -n '_shtab_cc_fleet_using apply' -l fail-on -xka "error warning note" -d 'the least severity that gives exit code 1 when all is done (default: error)'
complete -c cc-fleet -n '_shtab_cc_fleet_using apply' -s v -l verbose -d 'show the whole report afterwards'
complete -c cc-fleet -n '_shtab_cc_fleet_using; and test $_shtab_cc_fleet_npos -eq 0' -a audit -d 'Judge this machine, a file tree, an image, a repository or saved facts by a policy'
complete -c cc-fleet -n '_shtab_cc_fleet_using audit' -s h -l help -d 'show this help message and exit'
complete -c cc-fleet -n '_shtab_cc_fleet_using audit' -l root -xka "(__fish_complete_directories)" -d 'judge the system that lies below DIR; repeatable'
complete -c cc-fleet -n '_shtab_cc_fleet_using audit' -l image -xka "(__fish_complete_path (commandline -ct))" -d 'judge an image in a file: of `docker save`, an OCI layout (tar or folder), packed or not, or - ; or a folder of such; repeatable'
complete -c cc-fleet -n '_shtab_cc_fleet_using audit' -l platform -x -d 'with --image: which of several platforms (default: linux/amd64, all where that is missing)'
complete -c cc-fleet -n '_shtab_cc_fleet_using audit' -l verify -d 'with --image: also check the digests of layers (those of indexes, manifests and configs are checked always)'
complete -c cc-fleet -n '_shtab_cc_fleet_using audit' -l no-cache -d 'with --image: neither use nor keep what was found of packed layers'
complete -c cc-fleet -n '_shtab_cc_fleet_using audit' -l repo -xka "(__fish_complete_directories)" -d 'judge what the repository DIR declares: images, workflows, manifests, scripts, settings; repeatable'
complete -c cc-fleet -n '_shtab_cc_fleet_using audit' -l facts -xka "(__fish_complete_path (commandline -ct))" -d 'judge saved facts: a file, a folder of *.json, or - ; repeatable'
complete -c cc-fleet -n '_shtab_cc_fleet_using audit' -l probe -d 'also run `claude --version` and `claude doctor` of the caller'"'"'s PATH, and compare (this machine only; before 2.1.251 the doctor sends a request)'
complete -c cc-fleet -n '_shtab_cc_fleet_using audit' -l policy -xka "(__fish_complete_path (commandline -ct))" -d 'judge by this policy, a file or a packaged name; repeatable, each adds to those before (default: $CC_FLEET_POLICY, /etc/cc-fleet/policy.yaml, the packaged default)'
complete -c cc-fleet -n '_shtab_cc_fleet_using audit' -l policy-ref -x -d 'with --repo: read .cc-fleet.yaml from this git revision, so that a change cannot relax its own policy'
complete -c cc-fleet -n '_shtab_cc_fleet_using audit' -l no-ignore -d 'judge as if no comment in a repository (cc-fleet: ignore[CHECK] reason) excused anything'
complete -c cc-fleet -n '_shtab_cc_fleet_using audit' -l changed-since -x -d 'with --repo: tell only what stands in files that changed since this git revision'
complete -c cc-fleet -n '_shtab_cc_fleet_using audit' -l baseline -xka "(__fish_complete_path (commandline -ct))" -d 'what this file knows does not fail; only new findings do'
complete -c cc-fleet -n '_shtab_cc_fleet_using audit' -l write-baseline -xka "prune all" -d 'rewrite the baseline: without what is fixed (prune), or as what is found now (all)'
complete -c cc-fleet -n '_shtab_cc_fleet_using audit' -l group -x -d 'the targets are in this group, besides those that facts and policy tell; repeatable'
complete -c cc-fleet -n '_shtab_cc_fleet_using audit' -l format -xka "csv github gitlab html json junit markdown sarif text" -d 'one of csv, github, gitlab, html, json, junit, markdown, sarif, text (default: text; in GitHub Actions annotations, the text, and a job summary)'
complete -c cc-fleet -n '_shtab_cc_fleet_using audit' -l output -x -d 'write this format to a file as well; repeatable'
complete -c cc-fleet -n '_shtab_cc_fleet_using audit' -l fail-on -xka "error warning note" -d 'the least severity that gives exit code 1 (default: error)'
complete -c cc-fleet -n '_shtab_cc_fleet_using audit' -l exit-zero -d 'exit with 0 whatever is found'
complete -c cc-fleet -n '_shtab_cc_fleet_using audit' -l if-nothing -xka "fail pass" -d 'exit with 3 or 0 where there is nothing of Claude Code (default: fail; with --changed-since pass)'
complete -c cc-fleet -n '_shtab_cc_fleet_using audit' -l color -xka "auto always never" -d color
complete -c cc-fleet -n '_shtab_cc_fleet_using audit' -s q -l quiet -d 'print nothing; the exit code tells'
complete -c cc-fleet -n '_shtab_cc_fleet_using audit' -s v -l verbose -d 'show how every value in force came about'
complete -c cc-fleet -n '_shtab_cc_fleet_using; and test $_shtab_cc_fleet_npos -eq 0' -a completion -d 'Print a script that completes commands, options and values in a shell'
complete -c cc-fleet -n '_shtab_cc_fleet_using completion' -s h -l help -d 'show this help message and exit'
complete -c cc-fleet -n '_shtab_cc_fleet_using completion; and test $_shtab_cc_fleet_npos -eq 0' -ka "bash zsh fish" -d shell
complete -c cc-fleet -n '_shtab_cc_fleet_using; and test $_shtab_cc_fleet_npos -eq 0' -a demo -d 'Audit a sample laptop, image and repository that it makes in a temporary folder'
complete -c cc-fleet -n '_shtab_cc_fleet_using demo' -s h -l help -d 'show this help message and exit'
complete -c cc-fleet -n '_shtab_cc_fleet_using demo' -l color -xka "auto always never" -d color
complete -c cc-fleet -n '_shtab_cc_fleet_using; and test $_shtab_cc_fleet_npos -eq 0' -a explain -d 'Explain a check or an advisory: what it is, why it matters, what helps, how it is known'
complete -c cc-fleet -n '_shtab_cc_fleet_using explain' -s h -l help -d 'show this help message and exit'
complete -c cc-fleet -n '_shtab_cc_fleet_using explain' -l format -xka "text json" -d format
complete -c cc-fleet -n '_shtab_cc_fleet_using explain' -l policy -xka "(__fish_complete_path (commandline -ct))" -d 'judge by this policy, a file or a packaged name; repeatable, each adds to those before (default: $CC_FLEET_POLICY, /etc/cc-fleet/policy.yaml, the packaged default)'
complete -c cc-fleet -n '_shtab_cc_fleet_using explain; and test $_shtab_cc_fleet_npos -eq 0' -ka "action-unpinned auto-update cli-broken cli-integrity cli-shadowed cli-unpinned cli-unpublished cli-version env-flag env-ineffective env-spelling extension-leftover extension-skew extension-unpinned extension-version gateway-client gateway-url gateway-version identity-baked known-issue pin-unresolved pins-disagree secret-exposed setting-value settings-ignored settings-invalid target-mismatch unreadable version-gate waiver-expired waiver-unused CCF-2026-0001 CCF-2026-0002 CCF-2026-0003 CCF-2026-0004 CCF-2026-0005 CCF-2026-0006 CCF-2026-0007 CCF-2026-0008 CCF-2026-0009 CCF-2026-0010 CCF-2026-0011 CCF-2026-0012 CCF-2026-0013 CCF-2026-0014 CCF-2026-0015 CCF-2026-0016 CCF-2026-0017 CCF-2026-0018 CCF-2026-0019 CCF-2026-0020 CCF-2026-0021 CCF-2026-0022 CCF-2026-0023 CCF-2026-0024 CCF-2026-0025 CCF-2026-0026 CCF-2026-0027 CCF-2026-0028 CCF-2026-0029 CCF-2026-0030 CCF-2026-0031 CCF-2026-0032 CCF-2026-0033 CCF-2026-0034 CCF-2026-0035 CCF-2026-0036 CCF-2026-0037 CCF-2026-0038 CCF-2026-0039 CCF-2026-0040 CCF-2026-0041 CCF-2026-0042 CCF-2026-0043 CCF-2026-0044 CCF-2026-0045 CCF-2026-0046 CCF-2026-0047 CCF-2026-0048 CCF-2026-0049 CCF-2026-0050 CCF-2026-0051 CCF-2026-0052 CCF-2026-0053 CCF-2026-0054 CCF-2026-0055 CCF-2026-0056 CCF-2026-0057 CCF-2026-0058 CCF-2026-0059 CCF-2026-0060 CCF-2026-0061 CCF-2026-0062 CCF-2026-0063 CCF-2026-0064 CCF-2026-0065 CCF-2026-0066 CCF-2026-0067 CCF-2026-0068 CCF-2026-0069 CCF-2026-0070 CCF-2026-0071 CCF-2026-0072 CCF-2026-0073 CCF-2026-0074 CCF-2026-0075 CCF-2026-0076 CCF-2026-0077 CCF-2026-0078 CCF-2026-0079 CCF-2026-0080 CCF-2026-0081 CCF-2026-0082 CCF-2026-0083 CCF-2026-0084 CCF-2026-0085 CCF-2026-0086 CCF-2026-0087 CCF-2026-0088 CCF-2026-0089 CCF-2026-0090 CCF-2026-0091 CCF-2026-0092 CCF-2026-0093 CCF-2026-0094 CCF-2026-0095 CCF-2026-0096 CCF-2026-0097 CCF-2026-0098 CCF-2026-0099 CCF-2026-0100 CCF-2026-0101 CCF-2026-0102 CCF-2026-0103 CCF-2026-0104 CCF-2026-0105 CCF-2026-0106 CCF-2026-0107 CCF-2026-0108 CCF-2026-0109 CCF-2026-0110 CCF-2026-0111 CCF-2026-0112 CCF-2026-0113 CCF-2026-0114 CCF-2026-0115 CCF-2026-0116 CCF-2026-0117 CCF-2026-0118 CCF-2026-0119 CCF-2026-0120 CCF-2026-0121 CCF-2026-0122 CCF-2026-0123 CCF-2026-0124 CCF-2026-0125 CCF-2026-0126 CCF-2026-0127 CCF-2026-0128 CCF-2026-0129 CCF-2026-0130 CCF-2026-0131 CCF-2026-0132 CCF-2026-0133 CCF-2026-0134 CCF-2026-0135 CCF-2026-0136 CCF-2026-0137 CCF-2026-0138 CCF-2026-0139 CCF-2026-0140 CCF-2026-0141 CCF-2026-0142 CCF-2026-0143 CCF-2026-0144 CCF-2026-0145 CCF-2026-0146 CCF-2026-0147 CCF-2026-0148 CCF-2026-0149 CCF-2026-0150 CCF-2026-0151 CCF-2026-0152 CCF-2026-0153 CCF-2026-0154 CCF-2026-0155 CCF-2026-0156 CCF-2026-0157 CCF-2026-0158 CCF-2026-0159 CCF-2026-0160 CCF-2026-0161 CCF-2026-0162 CCF-2026-0163 CCF-2026-0164 CCF-2026-0165 CCF-2026-0166 CCF-2026-0167 CCF-2026-0168 CCF-2026-0169 CCF-2026-0170 CCF-2026-0171 CCF-2026-0172 CCF-2026-0173 CCF-2026-0174 CCF-2026-0175 CCF-2026-0176 CCF-2026-0177 CCF-2026-0178 CCF-2026-0179 CCF-2026-0180 CCF-2026-0181 CCF-2026-0182 CCF-2026-0183 CCF-2026-0184 CCF-2026-0185 CCF-2026-0186 CCF-2026-0187" -d 'such as env-flag or CCF-2026-0001'
complete -c cc-fleet -n '_shtab_cc_fleet_using; and test $_shtab_cc_fleet_npos -eq 0' -a facts -d 'Print what was read, as JSON (cc-fleet/facts/1)'
complete -c cc-fleet -n '_shtab_cc_fleet_using facts' -s h -l help -d 'show this help message and exit'
complete -c cc-fleet -n '_shtab_cc_fleet_using facts' -l root -xka "(__fish_complete_directories)" -d 'read the system that lies below DIR'
complete -c cc-fleet -n '_shtab_cc_fleet_using facts' -l image -xka "(__fish_complete_path (commandline -ct))" -d 'read an image in a file: of `docker save`, an OCI layout (tar or folder), packed or not, or -'
complete -c cc-fleet -n '_shtab_cc_fleet_using facts' -l platform -x -d 'with --image: which of several platforms (default: linux/amd64, all where that is missing)'
complete -c cc-fleet -n '_shtab_cc_fleet_using facts' -l verify -d 'with --image: also check the digests of layers (those of indexes, manifests and configs are checked always)'
complete -c cc-fleet -n '_shtab_cc_fleet_using facts' -l no-cache -d 'with --image: neither use nor keep what was found of packed layers'
complete -c cc-fleet -n '_shtab_cc_fleet_using facts' -l probe -d 'also run `claude --version` and `claude doctor` of the caller'"'"'s PATH, and compare (this machine only; before 2.1.251 the doctor sends a request)'
complete -c cc-fleet -n '_shtab_cc_fleet_using facts' -l policy -xka "(__fish_complete_path (commandline -ct))" -d 'judge by this policy, a file or a packaged name; repeatable, each adds to those before (default: $CC_FLEET_POLICY, /etc/cc-fleet/policy.yaml, the packaged default)'
complete -c cc-fleet -n '_shtab_cc_fleet_using; and test $_shtab_cc_fleet_npos -eq 0' -a plan -d 'Show what would put this machine right, or a repository or image; nothing is changed'
complete -c cc-fleet -n '_shtab_cc_fleet_using plan' -s h -l help -d 'show this help message and exit'
complete -c cc-fleet -n '_shtab_cc_fleet_using plan' -l root -xka "(__fish_complete_directories)" -d 'the system that lies below DIR'
complete -c cc-fleet -n '_shtab_cc_fleet_using plan' -l facts -xka "(__fish_complete_path (commandline -ct))" -d 'the machine whose saved facts these are, or -'
complete -c cc-fleet -n '_shtab_cc_fleet_using plan' -l repo -xka "(__fish_complete_directories)" -d 'the repository that should be put right; the patch applies in DIR'
complete -c cc-fleet -n '_shtab_cc_fleet_using plan' -l image -xka "(__fish_complete_path (commandline -ct))" -d 'the image that should be put right, in a file: of `docker save`, an OCI layout (tar or folder), packed or not, or -'
complete -c cc-fleet -n '_shtab_cc_fleet_using plan' -l platform -x -d 'with --image: which of several platforms (default: linux/amd64, all where that is missing)'
complete -c cc-fleet -n '_shtab_cc_fleet_using plan' -l verify -d 'with --image: also check the digests of layers (those of indexes, manifests and configs are checked always)'
complete -c cc-fleet -n '_shtab_cc_fleet_using plan' -l no-cache -d 'with --image: neither use nor keep what was found of packed layers'
complete -c cc-fleet -n '_shtab_cc_fleet_using plan' -l out -xka "(__fish_complete_path (commandline -ct))" -d 'write to FILE instead of standard output; empty where nothing would change'
complete -c cc-fleet -n '_shtab_cc_fleet_using plan' -l detailed-exitcode -d 'exit with 1 where something would change'
complete -c cc-fleet -n '_shtab_cc_fleet_using plan' -l tarballs -xka "(__fish_complete_directories)" -d 'install the CLI from npm'"'"'s tarballs in DIR (npm pack makes them), not from a registry; their sha256 is kept in the plan'
complete -c cc-fleet -n '_shtab_cc_fleet_using plan' -l registry -x -d 'install the CLI from this npm registry or mirror'
complete -c cc-fleet -n '_shtab_cc_fleet_using plan' -l vsix -xka "(__fish_complete_path (commandline -ct))" -d 'install the extension from this VSIX, not from a gallery; repeatable'
complete -c cc-fleet -n '_shtab_cc_fleet_using plan' -l format -xka "text json" -d 'of a machine'"'"'s plan (default: text)'
complete -c cc-fleet -n '_shtab_cc_fleet_using plan' -l color -xka "auto always never" -d color
complete -c cc-fleet -n '_shtab_cc_fleet_using plan' -l policy -xka "(__fish_complete_path (commandline -ct))" -d 'judge by this policy, a file or a packaged name; repeatable, each adds to those before (default: $CC_FLEET_POLICY, /etc/cc-fleet/policy.yaml, the packaged default)'
complete -c cc-fleet -n '_shtab_cc_fleet_using plan' -l policy-ref -x -d 'read .cc-fleet.yaml from this git revision'
complete -c cc-fleet -n '_shtab_cc_fleet_using plan' -l no-ignore -d 'also change what a comment (cc-fleet: ignore[CHECK] reason) excuses'
complete -c cc-fleet -n '_shtab_cc_fleet_using plan' -l group -x -d 'the machine, repository or image is in this group, besides those that the policy tells; repeatable'
complete -c cc-fleet -n '_shtab_cc_fleet_using; and test $_shtab_cc_fleet_npos -eq 0' -a policy -d 'Check, show, start or change a policy file, or print its JSON Schema'
complete -c cc-fleet -n '_shtab_cc_fleet_using policy' -s h -l help -d 'show this help message and exit'
complete -c cc-fleet -n '_shtab_cc_fleet_using policy; and test $_shtab_cc_fleet_npos -eq 0' -a lint -d 'Everything that is wrong in policy files and their own advisories, with file:line:col.'
complete -c cc-fleet -n '_shtab_cc_fleet_using policy lint' -s h -l help -d 'show this help message and exit'
complete -c cc-fleet -n '_shtab_cc_fleet_using policy lint' -l format -xka "text json" -d format
complete -c cc-fleet -n '_shtab_cc_fleet_using policy lint' -l policy -xka "(__fish_complete_path (commandline -ct))" -d 'judge by this policy, a file or a packaged name; repeatable, each adds to those before (default: $CC_FLEET_POLICY, /etc/cc-fleet/policy.yaml, the packaged default)'
complete -c cc-fleet -n '_shtab_cc_fleet_using policy lint; and test $_shtab_cc_fleet_npos -ge 0' -ka "(__fish_complete_path (commandline -ct))" -d FILE
complete -c cc-fleet -n '_shtab_cc_fleet_using policy; and test $_shtab_cc_fleet_npos -eq 0' -a show -d 'The policy that judges here, with all that it extends.'
complete -c cc-fleet -n '_shtab_cc_fleet_using policy show' -s h -l help -d 'show this help message and exit'
complete -c cc-fleet -n '_shtab_cc_fleet_using policy show' -l format -xka "text json" -d format
complete -c cc-fleet -n '_shtab_cc_fleet_using policy show' -l policy -xka "(__fish_complete_path (commandline -ct))" -d 'judge by this policy, a file or a packaged name; repeatable, each adds to those before (default: $CC_FLEET_POLICY, /etc/cc-fleet/policy.yaml, the packaged default)'
complete -c cc-fleet -n '_shtab_cc_fleet_using policy show; and test $_shtab_cc_fleet_npos -ge 0' -ka "(__fish_complete_path (commandline -ct))" -d FILE
complete -c cc-fleet -n '_shtab_cc_fleet_using policy; and test $_shtab_cc_fleet_npos -eq 0' -a init -d 'A policy to start from, written to FILE or printed.'
complete -c cc-fleet -n '_shtab_cc_fleet_using policy init' -s h -l help -d 'show this help message and exit'
complete -c cc-fleet -n '_shtab_cc_fleet_using policy init; and test $_shtab_cc_fleet_npos -ge 0' -ka "(__fish_complete_path (commandline -ct))" -d FILE
complete -c cc-fleet -n '_shtab_cc_fleet_using policy; and test $_shtab_cc_fleet_npos -eq 0' -a schema -d 'The JSON Schema of policy files, for editors.'
complete -c cc-fleet -n '_shtab_cc_fleet_using policy schema' -s h -l help -d 'show this help message and exit'
complete -c cc-fleet -n '_shtab_cc_fleet_using policy; and test $_shtab_cc_fleet_npos -eq 0' -a waive -d 'Add a waiver to a policy file, which keeps its comments.'
complete -c cc-fleet -n '_shtab_cc_fleet_using policy waive' -s h -l help -d 'show this help message and exit'
complete -c cc-fleet -n '_shtab_cc_fleet_using policy waive' -l until -x -d 'the last day, such as 2027-01-31 (UTC)'
complete -c cc-fleet -n '_shtab_cc_fleet_using policy waive' -l reason -x -d 'why, as reports show it'
complete -c cc-fleet -n '_shtab_cc_fleet_using policy waive' -l versions -x -d 'excuse these versions only'
complete -c cc-fleet -n '_shtab_cc_fleet_using policy waive' -l target -x -d 'a machine'"'"'s name or id, or group:NAME; repeatable (default: all)'
complete -c cc-fleet -n '_shtab_cc_fleet_using policy waive' -l owner -x -d 'who answers for it'
complete -c cc-fleet -n '_shtab_cc_fleet_using policy waive' -l approved-by -x -d 'who agreed'
complete -c cc-fleet -n '_shtab_cc_fleet_using policy waive' -l ticket -x -d 'where that stands'
complete -c cc-fleet -n '_shtab_cc_fleet_using policy waive; and test $_shtab_cc_fleet_npos -eq 0' -ka "action-unpinned auto-update cli-broken cli-integrity cli-shadowed cli-unpinned cli-unpublished cli-version env-flag env-ineffective env-spelling extension-leftover extension-skew extension-unpinned extension-version gateway-client gateway-url gateway-version identity-baked known-issue pin-unresolved pins-disagree secret-exposed setting-value settings-ignored settings-invalid target-mismatch unreadable version-gate waiver-expired waiver-unused" -d 'the check, or the advisory (CCF-…), whose findings are excused'
complete -c cc-fleet -n '_shtab_cc_fleet_using policy waive; and test $_shtab_cc_fleet_npos -eq 1' -ka "(__fish_complete_path (commandline -ct))" -d 'the policy file (default: the policy that judges here)'
complete -c cc-fleet -n '_shtab_cc_fleet_using; and test $_shtab_cc_fleet_npos -eq 0' -a rollback -d 'Take back what `cc-fleet apply` did: the last run, one by its name, or all of them'
complete -c cc-fleet -n '_shtab_cc_fleet_using rollback' -s h -l help -d 'show this help message and exit'
complete -c cc-fleet -n '_shtab_cc_fleet_using rollback' -l all -d 'take back every run, the newest first'
complete -c cc-fleet -n '_shtab_cc_fleet_using rollback' -l list -d 'only list the runs that can be taken back'
complete -c cc-fleet -n '_shtab_cc_fleet_using rollback' -l root -xka "(__fish_complete_directories)" -d 'of the system that lies below DIR'
complete -c cc-fleet -n '_shtab_cc_fleet_using rollback' -l force -d 'also what was changed since'
complete -c cc-fleet -n '_shtab_cc_fleet_using rollback' -l policy -xka "(__fish_complete_path (commandline -ct))" -d 'judge by this policy, a file or a packaged name; repeatable, each adds to those before (default: $CC_FLEET_POLICY, /etc/cc-fleet/policy.yaml, the packaged default)'
complete -c cc-fleet -n '_shtab_cc_fleet_using rollback' -l format -xka "text json" -d format
complete -c cc-fleet -n '_shtab_cc_fleet_using rollback' -l color -xka "auto always never" -d color
complete -c cc-fleet -n '_shtab_cc_fleet_using; and test $_shtab_cc_fleet_npos -eq 0' -a versions -d 'List the published CLI versions that the policy allows, and what staying at one costs'
complete -c cc-fleet -n '_shtab_cc_fleet_using versions' -s h -l help -d 'show this help message and exit'
complete -c cc-fleet -n '_shtab_cc_fleet_using versions' -l at -x -d 'tell what staying at this version costs'
complete -c cc-fleet -n '_shtab_cc_fleet_using versions' -l format -xka "text json" -d format
complete -c cc-fleet -n '_shtab_cc_fleet_using versions' -l all -d 'every version, a line each, and all that staying costs'
complete -c cc-fleet -n '_shtab_cc_fleet_using versions' -l policy -xka "(__fish_complete_path (commandline -ct))" -d 'judge by this policy, a file or a packaged name; repeatable, each adds to those before (default: $CC_FLEET_POLICY, /etc/cc-fleet/policy.yaml, the packaged default)'
