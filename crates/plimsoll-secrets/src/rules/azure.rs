//! Microsoft: keys with a signature inside, connection strings, tokens of Entra and Azure DevOps.

use crate::engine::context::Context;
use crate::finding::Severity::{Critical, High, Medium};
use crate::rule::{Rule, around, named, token, words};

pub(super) static RULES: &[Rule] = &[
    token(
        "azure-storage-connection-string",
        "Azure storage connection string",
        Critical,
        words!["defaultendpointsprotocol="],
        r"(?i)DefaultEndpointsProtocol=https?;[^\r\n]{0,200}?AccountKey=([A-Za-z0-9+/]{86}==)",
    ),
    token(
        "azure-storage-account-key",
        "Azure storage account key",
        Critical,
        words!["accountkey="],
        r"(?i)AccountKey=([A-Za-z0-9+/]{86}==)",
    ),
    named(
        "azure-storage-key",
        "Azure storage account key",
        Critical,
        words!["azure", "storage", "account_key", "accountkey", "account-key", "blob"],
        &["key"],
        r"[A-Za-z0-9+/]{86}==",
    ),
    around(
        "azure-storage-signed-key",
        "Azure storage account key",
        Critical,
        words!["+ast"],
        76,
        r"[A-Za-z0-9+/]{76}\+ASt[A-Za-z0-9+/]{6}==",
    ),
    token(
        "azure-sas-token",
        "Azure shared access signature",
        High,
        words!["sig="],
        r"sig=([A-Za-z0-9]{3,}(?:%2[BbFf]|[A-Za-z0-9+/]){35,60}(?:%3[Dd]|=))",
    )
    .checked(is_signed_address),
    token(
        "azure-service-bus-connection-string",
        "Azure Service Bus or Event Hubs connection string",
        Critical,
        words!["endpoint=sb://"],
        r"(?i)Endpoint=sb://[^\r\n]{4,300}?SharedAccessKey=([A-Za-z0-9+/]{43,86}={1,2})",
    ),
    token(
        "azure-iot-hub-connection-string",
        "Azure IoT Hub connection string",
        High,
        words!["hostname="],
        r"(?i)HostName=[a-z0-9.-]{3,100}\.azure-devices\.(?:net|cn|us)[^\r\n]{4,300}?SharedAccessKey=([A-Za-z0-9+/]{43,86}={1,2})",
    ),
    token(
        "azure-shared-access-key",
        "Azure shared access key",
        High,
        words!["sharedaccesskey="],
        r"(?i)SharedAccessKey=([A-Za-z0-9+/]{43}=)",
    ),
    token(
        "azure-cosmos-connection-string",
        "Azure Cosmos DB connection string",
        Critical,
        words!["accountendpoint="],
        r"(?i)AccountEndpoint=https://[a-z0-9.-]{3,100}(?::\d+)?/?;[^\r\n]{0,100}?AccountKey=([A-Za-z0-9+/]{86}==)",
    ),
    around(
        "azure-cosmos-key",
        "Azure Cosmos DB key",
        Critical,
        words!["acdb"],
        76,
        r"[A-Za-z0-9+/]{76}ACDb[A-Za-z0-9+/]{5,6}==",
    ),
    around(
        "azure-container-registry-password",
        "Azure Container Registry password",
        Critical,
        words!["+acr"],
        42,
        r"[A-Za-z0-9+/]{42}\+ACR[A-Za-z0-9+/]{6}",
    ),
    around(
        "azure-devops-pat",
        "Azure DevOps personal access token",
        Critical,
        words!["azdo"],
        76,
        r"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}",
    ),
    named(
        "azure-devops-legacy-pat",
        "Azure DevOps personal access token",
        Critical,
        words!["azure_devops", "azuredevops", "ado_", "vsts", "vss_", "system_accesstoken", "azdo"],
        &[],
        r"[a-z2-7]{52}",
    )
    .entropy(3.5),
    around(
        "azure-client-secret",
        "Microsoft Entra client secret",
        Critical,
        words!["7q~", "8q~"],
        3,
        r"[A-Za-z0-9_~.-]{3}[78]Q~[A-Za-z0-9_~.-]{31,34}",
    ),
    named(
        "azure-legacy-client-secret",
        "Microsoft Entra client secret",
        High,
        words!["azure_client", "azureclient", "azure-client", "arm_client", "aad_client", "aadclient"],
        &["secret"],
        r"[A-Za-z0-9_.~?@:=+/*\[\]-]{32,44}",
    )
    .entropy(3.5),
    around(
        "azure-function-key",
        "Azure Functions key",
        High,
        words!["azfu"],
        44,
        r"[A-Za-z0-9_-]{44}AzFu[A-Za-z0-9_-]{6}==",
    ),
    around(
        "azure-search-key",
        "Azure AI Search key",
        High,
        words!["azse"],
        42,
        r"[A-Za-z0-9]{42}AzSe[A-Za-z0-9]{6}",
    ),
    around(
        "azure-cache-key",
        "Azure Cache for Redis access key",
        High,
        words!["azca"],
        33,
        r"[A-Za-z0-9+/]{33}AzCa[A-Za-z0-9+/]{6}=",
    ),
    around(
        "azure-batch-key",
        "Azure Batch account key",
        High,
        words!["+aba"],
        76,
        r"[A-Za-z0-9+/]{76}\+ABa[A-Za-z0-9+/]{6}==",
    ),
    around(
        "azure-messaging-key",
        "Azure Event Hubs, Service Bus or Relay key",
        High,
        words!["+aeh", "+asb", "+arm", "aiot"],
        33,
        r"[A-Za-z0-9+/]{33}(?:\+AEh|\+ASb|\+ARm|AIoT)[A-Za-z0-9+/]{6}=",
    ),
    around(
        "azure-api-management-key",
        "Azure API Management key",
        High,
        words!["apim"],
        76,
        r"[A-Za-z0-9+/]{76}APIM[A-Za-z0-9+/]{6}==",
    ),
    around(
        "azure-ai-services-key",
        "Azure OpenAI or AI services key",
        High,
        words!["jqqj99"],
        52,
        r"[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{26}",
    ),
    named(
        "azure-cognitive-key",
        "Azure OpenAI or AI services key",
        High,
        words![
            "azure_openai",
            "azure_ai",
            "cognitive",
            "ocp-apim-subscription-key",
            "azure_speech",
            "azure_search"
        ],
        &["key"],
        r"[0-9a-f]{32}",
    ),
    token(
        "azure-app-configuration-connection-string",
        "Azure App Configuration connection string",
        High,
        words!["endpoint=https://"],
        r"(?i)Endpoint=https://[a-z0-9-]{1,60}\.azconfig\.io;Id=[^;\s]{4,80};Secret=([A-Za-z0-9+/]{43,90}={0,2})",
    ),
    token(
        "azure-signalr-connection-string",
        "Azure SignalR, Web PubSub or Communication Services connection string",
        High,
        words!["endpoint=https://"],
        r"(?i)Endpoint=https://[a-z0-9.-]{1,100}\.(?:signalr\.net|webpubsub\.azure\.com|communication\.azure\.com)/?;AccessKey=([A-Za-z0-9+/]{43,90}={0,2})",
    ),
    token(
        "azure-publish-password",
        "Azure publish profile password",
        High,
        words!["userpwd="],
        r#"(?i)userPWD="([A-Za-z0-9]{60})""#,
    ),
    token(
        "azure-logic-app-url",
        "Azure Logic Apps callback address",
        High,
        words!["logic.azure.com"],
        r"logic\.azure\.com(?::443)?/workflows/[0-9a-f]{32}/[^\s]{10,300}?sig=([A-Za-z0-9_-]{40,50})",
    ),
    token(
        "microsoft-teams-webhook",
        "Microsoft Teams incoming webhook",
        Medium,
        words!["webhook.office.com/"],
        r"webhook\.office\.com/webhookb2/([0-9a-f-]{36}@[0-9a-f-]{36}/IncomingWebhook/[0-9a-f]{32}/[0-9a-f-]{36})",
    ),
    named(
        "connection-string-password",
        "password in a connection string",
        High,
        words!["password", "pwd"],
        &[],
        r"[^\s;\x22']{6,128}",
    )
    .checked(is_connection_string),
];

/// Whether the signature is that of an address with a version and permissions, as shared access signatures are.
fn is_signed_address(context: &Context<'_>) -> bool {
    let before = &context.window[context.place.start.saturating_sub(200)..context.place.start];
    let after = &context.window[context.place.end..context.window.len().min(context.place.end + 200)];
    let has = |part: &[u8]| [before, after].iter().any(|text| memchr::memmem::find(text, part).is_some());
    !context.is_comment() && has(b"se=") && (has(b"sv=") || has(b"sr=https"))
}

/// Whether the password stands among the other parts of a connection string.
fn is_connection_string(context: &Context<'_>) -> bool {
    let start = context.place.start.saturating_sub(250);
    let line = &context.window[start..context.place.start];
    let line = line.rsplit(|byte| *byte == b'\n').next().unwrap_or(line).to_ascii_lowercase();
    let has = |part: &[u8]| memchr::memmem::find(&line, part).is_some();
    (has(b"server=") || has(b"data source=") || has(b"host="))
        && has(b";")
        && super::generic::is_literal(context)
}
