//! Comma-separated values (RFC 4180), which attributes, `--set` and `csvdecode` use.

/// The fields of one line.
pub(crate) fn fields(text: &str) -> Result<Vec<String>, String> {
    let mut records = records(text)?;
    match records.len() {
        0 => Ok(Vec::new()),
        1 => Ok(records.remove(0)),
        _ => Err("this has several lines".to_owned()),
    }
}

/// All lines; empty ones are left out.
pub(crate) fn records(text: &str) -> Result<Vec<Vec<String>>, String> {
    let mut records = Vec::new();
    let mut characters = text.chars().peekable();
    while characters.peek().is_some() {
        let mut record = Vec::new();
        loop {
            let (field, end) = field(&mut characters)?;
            record.push(field);
            if end != Some(',') {
                break;
            }
        }
        if record.len() > 1 || !record[0].is_empty() {
            records.push(record);
        }
    }
    Ok(records)
}

/// One field and what ended it: a comma, a line feed or the end.
fn field(
    characters: &mut std::iter::Peekable<std::str::Chars<'_>>,
) -> Result<(String, Option<char>), String> {
    let mut field = String::new();
    if characters.peek() != Some(&'"') {
        loop {
            match characters.next() {
                None => return Ok((field, None)),
                Some('"') => return Err("a `\"` inside of a field must be around the whole field".to_owned()),
                Some('\r') if characters.peek() == Some(&'\n') => {}
                Some(end @ (',' | '\n')) => return Ok((field, Some(end))),
                Some(character) => field.push(character),
            }
        }
    }
    characters.next();
    loop {
        match characters.next() {
            None => return Err("a `\"` is not closed".to_owned()),
            Some('"') if characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            Some('"') => break,
            Some(character) => field.push(character),
        }
    }
    if characters.peek() == Some(&'\r') {
        characters.next();
    }
    match characters.next() {
        end @ (None | Some(',' | '\n')) => Ok((field, end)),
        Some(_) => Err("a comma is missing behind a `\"`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_split_at_commas_outside_of_quotes() {
        assert_eq!(fields(r#"type=local,"dest=a,b",x="#).unwrap(), ["type=local", "dest=a,b", "x="]);
        assert_eq!(fields(r#""a""b""#).unwrap(), ["a\"b"]);
        assert_eq!(fields("a,").unwrap(), ["a", ""]);
        assert!(fields("").unwrap().is_empty());
    }

    #[test]
    fn broken_quotes_are_errors() {
        assert!(fields("\"a").is_err());
        assert!(fields("a\"b").is_err());
        assert!(fields("\"a\"b").is_err());
    }
}
