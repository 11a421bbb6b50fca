$Gem::Specification.new do |s|
  s.name          = 'no-stub'
  s.version       = Gem::Version.new("1.0.0.beta")
  s.license       = "MIT" # a comment
end
