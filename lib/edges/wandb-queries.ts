/** The queries of W&B's own client (core/api/graphql of wandb/wandb), with the fields that are read here. */

export const VIEWER = 'query Viewer { viewer { id entity username } }';

export const UPSERT_BUCKET = `mutation UpsertBucket($name: String, $project: String, $entity: String, $displayName: String, $notes: String,
  $commit: String, $config: JSONString, $host: String, $program: String, $repo: String, $jobType: String, $tags: [String!]) {
  upsertBucket(input: {name: $name, modelName: $project, entityName: $entity, displayName: $displayName, notes: $notes,
    commit: $commit, config: $config, host: $host, jobProgram: $program, jobRepo: $repo, jobType: $jobType, tags: $tags}) {
    bucket { id name displayName project { name entity { name } } historyLineCount }
    inserted
  }
}`;

export const ALERT = `mutation NotifyScriptableRunAlert($entityName: String!, $projectName: String!, $runName: String!, $title: String!,
  $text: String!, $severity: AlertSeverity = INFO, $waitDuration: Duration) {
  notifyScriptableRunAlert(input: {entityName: $entityName, projectName: $projectName, runName: $runName, title: $title,
    text: $text, severity: $severity, waitDuration: $waitDuration}) { success }
}`;

export const CREATE_RUN_FILES = `mutation CreateRunFiles($entity: String!, $project: String!, $run: String!, $files: [String!]!) {
  createRunFiles(input: {entityName: $entity, projectName: $project, runName: $run, files: $files}) {
    runID uploadHeaders files { name uploadUrl }
  }
}`;
